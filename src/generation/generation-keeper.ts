import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Log } from '../infrastructure/logging/log.js';
import { MessagesService } from '../messages/messages.service.js';
import { AnswerWriter } from './answer-writer.js';
import { OrphanSweep } from './orphan-sweep.js';
import { Replicas } from './replicas.js';
import { RunningGenerations } from './running-generations.js';

const beatEveryMs = 1000;
const sweepEveryMs = 5000;

/** Keeps the lease of this replica, stops what nobody wants any more, and has the dead swept up after. */
@Injectable()
export class GenerationKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly busy = new Map<string, Promise<void>>();

  constructor(
    private readonly messages: MessagesService,
    private readonly replicas: Replicas,
    private readonly running: RunningGenerations,
    private readonly writer: AnswerWriter,
    private readonly sweep: OrphanSweep,
    private readonly log: Log,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.replicas.beat();
    this.every(beatEveryMs, 'beat', () => this.beat());
    this.every(sweepEveryMs, 'sweep', () => this.sweep.run());
    void this.unlessBusy('sweep', () => this.sweep.run());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.writer.hurry();
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

  /**
   * One question covers all reasons to stop: cancelled from any replica, thread deleted, the lease lost, the owner or their tenant
   * suspended.
   */
  private async beat(): Promise<void> {
    await this.replicas.beat();
    const { ids } = this.running;
    if (ids.length === 0) return;
    const wanted = await this.messages.stillWanted(this.replicas.own, ids);
    for (const id of ids) if (!wanted.has(id)) void this.running.stop(id, 'cancelled');
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
