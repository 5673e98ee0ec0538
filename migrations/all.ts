import { CreateTenantsAndUsers1795132800000 } from './1795132800000-CreateTenantsAndUsers.js';
import { CreateSessions1795132801000 } from './1795132801000-CreateSessions.js';
import { CreateThreadsAndMessages1795132802000 } from './1795132802000-CreateThreadsAndMessages.js';
import { CreateGenerationJournal1795132803000 } from './1795132803000-CreateGenerationJournal.js';
import { ExtendTenantsUsersAndSessions1795219200000 } from './1795219200000-ExtendTenantsUsersAndSessions.js';
import { CreateAuditLog1795219201000 } from './1795219201000-CreateAuditLog.js';
import { CreateApiTokens1795219202000 } from './1795219202000-CreateApiTokens.js';
import { CreateLocalAccounts1795219203000 } from './1795219203000-CreateLocalAccounts.js';
import { CreateProfiles1795219204000 } from './1795219204000-CreateProfiles.js';
import { CreateSealedSecrets1795305600000 } from './1795305600000-CreateSealedSecrets.js';
import { CreateConnections1795305601000 } from './1795305601000-CreateConnections.js';
import { CreateModelOverrides1795305602000 } from './1795305602000-CreateModelOverrides.js';
import { CreateModelAliases1795305603000 } from './1795305603000-CreateModelAliases.js';
import { CreateModelLoads1795305604000 } from './1795305604000-CreateModelLoads.js';
import { CreatePersonalKeys1795305605000 } from './1795305605000-CreatePersonalKeys.js';
import { AddTenantsToModelLoads1795305606000 } from './1795305606000-AddTenantsToModelLoads.js';
import { AddMessageBranches1795305606500 } from './1795305606500-AddMessageBranches.js';
import { CreateSearchDocuments1795305607000 } from './1795305607000-CreateSearchDocuments.js';
import { CreateIdempotencyKeys1795305608000 } from './1795305608000-CreateIdempotencyKeys.js';
import { CreatePersonalKeyUses1795305609000 } from './1795305609000-CreatePersonalKeyUses.js';
import { CreateJobQueues1795305610000 } from './1795305610000-CreateJobQueues.js';
import { AddSummaryCoverage1795305611000 } from './1795305611000-AddSummaryCoverage.js';
import { CreateImportedThreads1795305612000 } from './1795305612000-CreateImportedThreads.js';
import { AddClientIdsToThreads1795305613000 } from './1795305613000-AddClientIdsToThreads.js';
import { QuickenSearchWords1795305615000 } from './1795305615000-QuickenSearchWords.js';
import { CreateUsageRecords1795305620000 } from './1795305620000-CreateUsageRecords.js';
import { CreateStoredResponses1795305622000 } from './1795305622000-CreateStoredResponses.js';

/** Every migration, oldest first. A file in this folder that is missing here is dead code and fails the check. */
export const migrations = [
  CreateTenantsAndUsers1795132800000,
  CreateSessions1795132801000,
  CreateThreadsAndMessages1795132802000,
  CreateGenerationJournal1795132803000,
  ExtendTenantsUsersAndSessions1795219200000,
  CreateAuditLog1795219201000,
  CreateApiTokens1795219202000,
  CreateLocalAccounts1795219203000,
  CreateProfiles1795219204000,
  CreateSealedSecrets1795305600000,
  CreateConnections1795305601000,
  CreateModelOverrides1795305602000,
  CreateModelAliases1795305603000,
  CreateModelLoads1795305604000,
  CreatePersonalKeys1795305605000,
  AddTenantsToModelLoads1795305606000,
  AddMessageBranches1795305606500,
  CreateSearchDocuments1795305607000,
  CreateIdempotencyKeys1795305608000,
  CreatePersonalKeyUses1795305609000,
  CreateJobQueues1795305610000,
  AddSummaryCoverage1795305611000,
  CreateImportedThreads1795305612000,
  AddClientIdsToThreads1795305613000,
  QuickenSearchWords1795305615000,
  CreateUsageRecords1795305620000,
  CreateStoredResponses1795305622000,
];

/** The tables that most requests write to, in the order in which a transaction locks them; foreign keys are checked last. */
export const writersOrder = ['threads', 'thread_models', 'messages', 'users', 'tenants'];
