import type { Thread } from './thread.entity.js';

export type Listed = Thread;
