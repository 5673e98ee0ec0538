import { Module } from '@nestjs/common';
import { TokenCounter } from './token-counter.js';

/** One counter for all rooms: what it reads of a tokenizer takes memory. */
@Module({ providers: [TokenCounter], exports: [TokenCounter] })
export class TokenCountingModule {}
