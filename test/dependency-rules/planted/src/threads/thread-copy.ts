import { Message } from '../messages/message.entity.js';

export const copied = Message;
