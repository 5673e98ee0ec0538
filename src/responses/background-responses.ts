import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Caller } from '../auth/caller.js';
import { LiveAccess } from '../auth/live-access.service.js';
import { DomainError } from '../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Replicas } from '../generation/replicas.js';
import { outsideRequests } from '../infrastructure/http/request-context.js';
import { Log } from '../infrastructure/logging/log.js';
import { StoredResponsesRepository } from './stored-responses.repository.js';

const lookEveryMs = 1000;
const sweepEveryMs = 10_000;

interface Running {
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

/** The responses that this process makes while nobody waits for them, and what happens to all of them as time goes by. */
@Injectable()
export class BackgroundResponses implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly running = new Map<string, Running>();
  private readonly busy = new Map<string, Promise<void>>();
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly responses: StoredResponsesRepository,
    private readonly replicas: Replicas,
    private readonly access: LiveAccess,
    private readonly log: Log,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  onApplicationBootstrap(): void {
    this.every(lookEveryMs, 'looking for cancelled responses', () => this.stopUnwanted());
    this.every(sweepEveryMs, 'sweeping responses', () => this.sweep());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.timers.forEach((timer) => clearInterval(timer));
    for (const { stopping } of this.running.values())
      stopping.abort(new DomainError('GENERATION_INTERRUPTED'));
    await this.idle();
    await Promise.all(this.busy.values());
  }

  /**
   * Makes a response that was begun.
   * @param work ends what it makes, however that goes; it is told by the signal when nobody wants it any more, the caller may not have it,
   *   or it has taken too long
   */
  run(caller: Caller, id: string, work: (signal: AbortSignal) => Promise<void>): void {
    const stopping = new AbortController();
    const tooLate = setTimeout(
      () => stopping.abort(new DomainError('GENERATION_INTERRUPTED')),
      this.config['generation.maxDurationMs'],
    );
    const during = (lost: AbortSignal): Promise<void> => work(AbortSignal.any([stopping.signal, lost]));
    const ended = outsideRequests(() => this.access.during(caller, 'completions:write', during))
      .catch((err: unknown) => this.log.error({ err }, 'a response in the background could not be ended'))
      .finally(() => {
        clearTimeout(tooLate);
        this.running.delete(id);
      });
    this.running.set(id, { stopping, ended });
  }

  /** At once where it is made here; elsewhere it is looked for every second. */
  stop(id: string): void {
    this.running.get(id)?.stopping.abort(new DomainError('GENERATION_INTERRUPTED'));
  }

  /** Resolves when nothing is being made. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all([...this.running.values()].map(({ ended }) => ended));
  }

  private async stopUnwanted(): Promise<void> {
    const ids = [...this.running.keys()];
    if (ids.length === 0) return;
    const wanted = await this.responses.underWay(ids);
    for (const id of ids) if (!wanted.has(id)) this.stop(id);
  }

  private async sweep(): Promise<void> {
    await this.responses.failOrphans(this.replicas.own, [...this.running.keys()]);
    while (await this.responses.forgetOld(this.config['responses.keptDays']));
  }

  private every(milliseconds: number, what: string, work: () => Promise<void>): void {
    this.timers.push(setInterval(() => this.unlessBusy(what, work), milliseconds));
  }

  private unlessBusy(what: string, work: () => Promise<void>): void {
    if (this.busy.has(what)) return;
    const done = work()
      .catch((err: unknown) => this.log.warn({ err }, `${what} failed`))
      .finally(() => this.busy.delete(what));
    this.busy.set(what, done);
  }
}
