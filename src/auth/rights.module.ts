import { Module } from '@nestjs/common';
import { Rights } from './rights.js';

/** A room of its own, for those that the authentication itself is built on. */
@Module({ providers: [Rights], exports: [Rights] })
export class RightsModule {}
