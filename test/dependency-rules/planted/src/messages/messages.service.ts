import type { EntityManager } from 'typeorm';
import type { Thread } from '../threads/thread.entity.js';

export type Transaction = EntityManager;
export type Conversation = Thread;
