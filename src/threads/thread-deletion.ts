import { Injectable } from '@nestjs/common';
import type { Owner } from '../common/owner.js';

type Listener = (owner: Owner, threadId: string) => Promise<void>;

/** Lets rooms that work on a thread put their work down before it goes; threads themselves know none of them. */
@Injectable()
export class ThreadDeletion {
  private readonly listeners: Listener[] = [];

  /** `listener` is awaited before each deletion of a thread that exists. */
  before(listener: Listener): void {
    this.listeners.push(listener);
  }

  async announce(owner: Owner, threadId: string): Promise<void> {
    for (const listener of this.listeners) await listener(owner, threadId);
  }
}
