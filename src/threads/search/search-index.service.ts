import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { within } from '../../common/within.js';
import { ConfigurationError } from '../../config/configuration-error.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Log } from '../../infrastructure/logging/log.js';
import { SearchIndexRepository, type IndexProgress } from './search-index.repository.js';

const retryAfterMs = 5000;
const shutdownPatienceMs = 5000;

/**
 * Sees to it that what is stored is indexed as the setting says. Triggers index what is written; this indexes, after boot and beside
 * the work, what was written before the setting changed, or before there was an index: until then some of it may not be found.
 */
@Injectable()
export class SearchIndex implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly closing = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIGURATION)
    private readonly configuration: Pick<BootConfiguration, 'search.configuration'>,
    private readonly repository: SearchIndexRepository,
    private readonly log: Log,
  ) {}

  /** @throws ConfigurationError when the database has no such text search configuration */
  async onApplicationBootstrap(): Promise<void> {
    const key = 'search.configuration';
    if (!(await this.repository.configure(this.configuration[key]))) {
      throw new ConfigurationError([{ key, expected: 'a text search configuration of the database' }]);
    }
    this.running = this.index();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort();
    await within(shutdownPatienceMs, this.running);
  }

  private async index(): Promise<void> {
    const { signal } = this.closing;
    for (let progress = await this.indexSome(); progress !== 'done'; progress = await this.indexSome()) {
      if (progress === 'others') await wait(retryAfterMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async indexSome(): Promise<IndexProgress> {
    if (this.closing.signal.aborted) return 'done';
    return this.repository.indexSome().catch((error: unknown) => {
      this.log.warn({ err: error }, 'threads could not be indexed; trying again');
      return 'others';
    });
  }
}
