import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { toWireId } from '../common/ids.js';
import { Log } from '../infrastructure/logging/log.js';
import { MessagesService } from '../messages/messages.service.js';
import { ThreadDeletion } from '../threads/thread-deletion.js';
import { GenerationService } from './generation.service.js';
import { Journal } from './journal.js';
import { Replicas } from './replicas.js';
import { RunningGenerations } from './running-generations.js';

const beatEveryMs = 1000;
const sweepEveryMs = 5000;
/**
 * A replica without a sign of life for this long is dead. With the sweep, its answers are ended within 25 s, of the 30 that
 * conversations.md, promise 5, allows; and a database that is away for 10 s makes nobody look dead.
 */
const staleSeconds = 20;

/** Keeps the lease of this replica, stops what nobody wants any more, and ends what dead replicas left behind. */
@Injectable()
export class GenerationKeeper implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly busy = new Map<string, Promise<void>>();

  constructor(
    private readonly generation: GenerationService,
    private readonly messages: MessagesService,
    private readonly replicas: Replicas,
    private readonly running: RunningGenerations,
    private readonly journal: Journal,
    private readonly deletion: ThreadDeletion,
    private readonly log: Log,
  ) {}

  onModuleInit(): void {
    this.deletion.before((owner, threadId) => this.generation.cancelThread(owner, threadId));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.replicas.beat();
    this.every(beatEveryMs, 'beat', () => this.beat());
    this.every(sweepEveryMs, 'sweep', () => this.sweep());
    void this.unlessBusy('sweep', () => this.sweep());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.running.stopAll('interrupted');
    this.rest();
    await Promise.all(this.busy.values());
    await this.replicas.leave().catch((error: unknown) => {
      this.log.warn({ err: error }, 'could not leave');
    });
  }

  /** No beats and no sweeps from now on: to the others this replica is soon dead. */
  rest(): void {
    this.timers.forEach((timer) => clearInterval(timer));
  }

  /** One question covers all reasons to stop: cancelled from any replica, thread deleted, or the lease lost. */
  private async beat(): Promise<void> {
    await this.replicas.beat();
    const { ids } = this.running;
    if (ids.length === 0) return;
    const wanted = await this.messages.stillWanted(this.replicas.own, ids);
    for (const id of ids) if (!wanted.has(id)) void this.running.stop(id, 'cancelled');
  }

  /** Ends the answers of replicas that are dead, at most a hundred. */
  async sweep(): Promise<void> {
    await this.replicas.forgetOld();
    const ended = await this.messages.interruptOrphans(staleSeconds, async (messageId, db) => {
      const parts = await this.journal.recover(messageId, db);
      await this.journal.clear(messageId, db);
      return parts;
    });
    for (const { id } of ended) {
      this.log.warn({ messageId: toWireId('message', id) }, 'answer of a dead replica ended as interrupted');
    }
  }

  private every(milliseconds: number, name: string, work: () => Promise<void>): void {
    this.timers.push(setInterval(() => void this.unlessBusy(name, work), milliseconds));
  }

  private async unlessBusy(name: string, work: () => Promise<void>): Promise<void> {
    if (this.busy.has(name)) return;
    const done = work()
      .catch((error: unknown) => this.log.error({ err: error }, `${name} failed`))
      .finally(() => this.busy.delete(name));
    this.busy.set(name, done);
    await done;
  }
}
