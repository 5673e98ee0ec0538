import { Inject, Injectable } from '@nestjs/common';
import { TypeOrmHealthIndicator, type HealthCheckAttempt } from '@nestjs/terminus';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { JobQueues } from '../infrastructure/jobs/job-queues.service.js';
import { RedisConnection } from '../infrastructure/redis/redis-connection.js';
import { ProviderRegistry, type Reachability } from '../llm-providers/provider-registry.js';
import { CircuitBreakers } from '../models/circuit-breakers.js';
import { version } from '../version.js';

/** A database that takes longer than this is not ready (operations.md, Health), in milliseconds. */
const databaseTimeoutMs = 1000;
/** A job that has waited for so long waits for nobody: no process works on jobs, or too few do. */
const longestWaitSeconds = 300;

type Status = 'healthy' | 'degraded' | 'unhealthy';

/** What anybody may know: no names of hosts, no versions, no latencies. */
export interface HealthSummary {
  readonly status: Status;
  readonly services: {
    readonly database: { readonly status: Status };
    /** Absent when none is configured. */
    readonly redis?: { readonly status: Status };
    readonly jobs: { readonly status: Status };
    readonly providers: { readonly status: Status };
  };
}

interface ServiceReport {
  readonly status: Status;
  /** In milliseconds; null when it does not answer. */
  readonly latency: number | null;
}

interface JobsReport {
  readonly status: Status;
  /** Jobs of all processes whose time has come; null when nobody knows. */
  readonly waiting: number | null;
}

type ProviderHealth = Reachability | 'circuit_open';

export interface HealthReport {
  readonly status: Status;
  /** Of the process, in seconds. */
  readonly uptime: number;
  readonly services: {
    /** Latency in milliseconds. */
    readonly database: ServiceReport;
    readonly redis?: ServiceReport;
    readonly jobs: JobsReport;
    /** By the name of the connection; `circuit_open` when a model of it failed so often that this replica does not call it. */
    readonly providers: Readonly<Record<string, ProviderHealth>>;
  };
  readonly version: string;
  readonly environment: string;
}

@Injectable()
export class HealthService {
  constructor(
    private readonly typeOrm: TypeOrmHealthIndicator,
    private readonly registry: ProviderRegistry,
    private readonly breakers: CircuitBreakers,
    private readonly redis: RedisConnection,
    private readonly jobs: JobQueues,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  databaseAnswers(): HealthCheckAttempt<'database'> {
    return this.typeOrm.pingCheck('database').withTimeout(databaseTimeoutMs);
  }

  /** `healthy` as long as all is well: a provider, Redis or jobs that are down degrade, a database that is down is the end. */
  async report(tenantId: string): Promise<HealthReport> {
    const [{ database }, redis, jobs, providers] = await Promise.all([
      this.databaseAnswers(),
      this.redisReport(),
      this.jobsReport(),
      this.providersReport(tenantId),
    ]);
    const databaseStatus = database.status === 'up' ? 'healthy' : 'unhealthy';
    const isWell = !someDown(providers) && redis?.status !== 'unhealthy' && jobs.status === 'healthy';
    const degraded: Status = isWell ? 'healthy' : 'degraded';
    return {
      status: databaseStatus === 'healthy' ? degraded : 'unhealthy',
      uptime: Math.floor(process.uptime()),
      services: {
        database: { status: databaseStatus, latency: latencyOf(database) },
        ...(redis === undefined ? {} : { redis }),
        jobs,
        providers,
      },
      version,
      environment: this.config.environment,
    };
  }

  private async providersReport(tenantId: string): Promise<HealthReport['services']['providers']> {
    const connections = await this.registry.reachability(tenantId);
    return Object.fromEntries(
      connections.map(({ id, name, reachability }) => [
        name,
        this.breakers.openOn(id) ? 'circuit_open' : reachability,
      ]),
    );
  }

  private async redisReport(): Promise<ServiceReport | undefined> {
    if (!this.redis.isConfigured) return undefined;
    const latency = await this.redis.latency();
    return latency === undefined ? { status: 'unhealthy', latency: null } : { status: 'healthy', latency };
  }

  private async jobsReport(): Promise<JobsReport> {
    try {
      const { count, longestSeconds } = await this.jobs.waiting();
      return { status: longestSeconds > longestWaitSeconds ? 'degraded' : 'healthy', waiting: count };
    } catch {
      return { status: 'unhealthy', waiting: null };
    }
  }
}

function latencyOf(result: { readonly status: string; readonly responseTime?: unknown }): number | null {
  return result.status === 'up' && typeof result.responseTime === 'number' ? result.responseTime : null;
}

function someDown(providers: HealthReport['services']['providers']): boolean {
  return Object.values(providers).some((health) => health === 'unreachable' || health === 'circuit_open');
}

/** What of a report anybody may know. */
export function summarize({ status, services }: HealthReport): HealthSummary {
  return {
    status,
    services: {
      database: { status: services.database.status },
      ...(services.redis === undefined ? {} : { redis: { status: services.redis.status } }),
      jobs: { status: services.jobs.status },
      providers: { status: someDown(services.providers) ? 'degraded' : 'healthy' },
    },
  };
}
