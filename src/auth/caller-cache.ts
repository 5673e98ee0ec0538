import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Notifications } from '../infrastructure/events/notifications.js';
import { ShortCache } from '../infrastructure/events/short-cache.js';
import type { Caller } from './caller.js';

/** Who presented a credential a moment ago: requests that come within a second are answered without the database. */
@Injectable()
export class CallerCache {
  /** By the door that it came through and the SHA-256 of the whole credential: what is good at one is nothing at the other. */
  private readonly callers: ShortCache<Caller>;

  constructor(clock: Clock, notifications: Notifications) {
    this.callers = new ShortCache(clock, notifications);
  }

  /** @param look asks the database; a rejection and undefined are told to those who wait, and not kept */
  get(
    door: 'bearer' | 'cookie',
    credential: string,
    look: () => Promise<Caller | undefined>,
  ): Promise<Caller | undefined> {
    return this.callers.get(`${door} ${hash('sha256', credential, 'base64')}`, look);
  }
}
