import './export.js';

export type Conversation = string;
