import { Injectable } from '@nestjs/common';

/** Chance, injected so that tests can repeat it. Not for secrets. */
@Injectable()
export class Random {
  /** At least 0, less than 1. */
  next(): number {
    return Math.random();
  }
}
