import type { Conversation } from './search.js';

export type Imported = Conversation;
