import type { source } from '../messages/messages.repository.js';

export type Source = typeof source;
