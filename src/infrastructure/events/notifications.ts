import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import pg from 'pg';
import type { EntityManager } from 'typeorm';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { outsideRequests } from '../http/request-context.js';
import { Log } from '../logging/log.js';

/** What replicas tell each other. A topic carries no payload: it says that something has to be looked at again. */
export type Topic = 'access' | 'models';

const channel = 'parley';
const reconnectAfterMs = 1000;

/**
 * Tells every replica, this one included, that something changed, by LISTEN and NOTIFY on one connection of its own. Word may be
 * lost while that connection is down: nothing may depend on it for longer than a second (operations.md, Replicas).
 */
@Injectable()
export class Notifications implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly listeners = new Map<Topic, (() => void)[]>();
  private client: pg.Client | undefined;
  private retry: NodeJS.Timeout | undefined;
  private isClosing = false;

  constructor(
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly log: Log,
  ) {}

  /** Called at each word of the topic, and when word of it may have been lost. */
  listen(topic: Topic, listener: () => void): void {
    const listeners = this.listeners.get(topic) ?? [];
    this.listeners.set(topic, [...listeners, listener]);
  }

  /** Sent when the transaction commits, and once however often it is said in it (postgresql.org/docs/current/sql-notify.html). */
  async announce(topic: Topic, db: EntityManager): Promise<void> {
    await db.query('SELECT pg_notify($1, $2)', [channel, topic]);
  }

  async onApplicationBootstrap(): Promise<void> {
    await outsideRequests(() => this.connect());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    clearTimeout(this.retry);
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.config['database.url'],
      application_name: 'parley notifications',
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    });
    client.on('notification', ({ payload }) => this.tell(payload));
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client));
    this.client = client;
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
      // What was said while nobody listened is unknown.
      for (const topic of this.listeners.keys()) this.tell(topic);
    } catch (error) {
      this.lost(client, error);
    }
  }

  private tell(topic: string | undefined): void {
    const listeners = [...this.listeners].find(([name]) => name === topic)?.[1] ?? [];
    for (const listener of listeners) listener();
  }

  private lost(client: pg.Client, error?: unknown): void {
    if (this.isClosing || this.client !== client) return;
    this.client = undefined;
    this.log.warn({ ...(error === undefined ? {} : { err: error }) }, 'the listening connection is lost');
    client.end().catch(() => undefined);
    this.retry = setTimeout(() => void this.connect(), reconnectAfterMs);
  }
}
