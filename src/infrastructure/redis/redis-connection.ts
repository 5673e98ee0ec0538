import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Clock } from '../../common/clock.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { outsideRequests } from '../http/request-context.js';
import { Log } from '../logging/log.js';

/** A request waits no longer than this for Redis. */
const commandTimeoutMs = 200;
/** A server that is there but says nothing is left, and connected to anew. */
const silenceMs = 1000;
const maxReconnectDelayMs = 2000;
/** While Redis is away one request in this time finds out whether it is back; the others do not wait for it. */
const retryAfterMs = 1000;

/**
 * The connection to Redis, where one is configured. Nothing may depend on it: while it is away whoever asks is told so, at once
 * and without an error, and it comes back by itself.
 */
@Injectable()
export class RedisConnection implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly client: Redis | undefined;
  private isAway = false;
  private retryAtMs = 0;

  constructor(
    @Inject(CONFIGURATION) config: BootConfiguration,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    const url = config['redis.url'];
    if (url !== undefined) this.client = this.connection(url, config['redis.keyPrefix']);
  }

  get isConfigured(): boolean {
    return this.client !== undefined;
  }

  /**
   * Gives a script a name among the commands of the client. ioredis sends it once a connection, then its hash, and the script
   * again to a Redis that has forgotten it.
   */
  define(name: string, script: { readonly numberOfKeys: number; readonly lua: string }): void {
    this.client?.defineCommand(name, script);
  }

  /** What the work answers; undefined when there is no Redis, or when it is away, does not answer in time or refuses. */
  async ask<Result>(work: (client: Redis) => Promise<Result>): Promise<Result | undefined> {
    const now = this.clock.monotonicMs();
    if (this.client === undefined || now < this.retryAtMs) return undefined;
    if (this.isAway) this.retryAtMs = now + retryAfterMs;
    try {
      const result = await work(this.client);
      this.found();
      return result;
    } catch (error) {
      this.lost(error);
      return undefined;
    }
  }

  /** How long Redis takes to answer, in milliseconds; undefined when it does not. */
  async latency(): Promise<number | undefined> {
    const start = this.clock.monotonicMs();
    const answer = await this.ask((client) => client.ping());
    return answer === undefined ? undefined : Math.round(this.clock.monotonicMs() - start);
  }

  /** Waits until it is connected or known not to be: a second at most. Not being connected is no reason not to start. */
  async onApplicationBootstrap(): Promise<void> {
    const { client } = this;
    await outsideRequests(() => client?.connect().catch((error: unknown) => this.lost(error)));
  }

  onApplicationShutdown(): void {
    this.client?.disconnect();
  }

  private connection(url: string, keyPrefix: string): Redis {
    const client = new Redis(url, {
      keyPrefix,
      lazyConnect: true,
      connectTimeout: 1000,
      commandTimeout: commandTimeoutMs,
      socketTimeout: silenceMs,
      // ioredis waits for it when the connection is already gone, too, and so does the end of the process.
      disconnectTimeout: commandTimeoutMs,
      keepAlive: 10_000,
      // What cannot be asked now is answered without Redis: nothing is kept for later.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(attempt * 100, maxReconnectDelayMs),
    });
    client.on('error', (error) => this.lost(error));
    client.on('ready', () => this.found());
    return client;
  }

  private lost(error: unknown): void {
    this.retryAtMs = this.clock.monotonicMs() + retryAfterMs;
    if (this.isAway) return;
    this.isAway = true;
    this.log.warn({ err: error }, 'Redis is away; each replica counts alone');
  }

  private found(): void {
    if (!this.isAway) return;
    this.isAway = false;
    this.retryAtMs = 0;
    this.log.info({}, 'Redis is back');
  }
}
