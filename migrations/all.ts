import { CreateTenantsAndUsers1795132800000 } from './1795132800000-CreateTenantsAndUsers.js';
import { CreateSessions1795132801000 } from './1795132801000-CreateSessions.js';
import { CreateThreadsAndMessages1795132802000 } from './1795132802000-CreateThreadsAndMessages.js';
import { CreateGenerationJournal1795132803000 } from './1795132803000-CreateGenerationJournal.js';

/** Every migration, oldest first. A file in this folder that is missing here is dead code and fails the check. */
export const migrations = [
  CreateTenantsAndUsers1795132800000,
  CreateSessions1795132801000,
  CreateThreadsAndMessages1795132802000,
  CreateGenerationJournal1795132803000,
];
