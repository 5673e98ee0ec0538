import { Inject, Injectable } from '@nestjs/common';
import { TypeOrmHealthIndicator, type HealthCheckAttempt } from '@nestjs/terminus';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { RedisConnection } from '../infrastructure/redis/redis-connection.js';
import { ProviderRegistry, type Reachability } from '../llm-providers/provider-registry.js';
import { version } from '../version.js';

/** A database that takes longer than this is not ready (operations.md, Health), in milliseconds. */
const databaseTimeoutMs = 1000;

type Status = 'healthy' | 'degraded' | 'unhealthy';

/** What anybody may know: no names of hosts, no versions, no latencies. */
export interface HealthSummary {
  readonly status: Status;
  readonly services: {
    readonly database: { readonly status: Status };
    /** Absent when none is configured. */
    readonly redis?: { readonly status: Status };
    readonly providers: { readonly status: Status };
  };
}

interface ServiceReport {
  readonly status: Status;
  /** In milliseconds; null when it does not answer. */
  readonly latency: number | null;
}

export interface HealthReport {
  readonly status: Status;
  /** Of the process, in seconds. */
  readonly uptime: number;
  readonly services: {
    /** Latency in milliseconds. */
    readonly database: ServiceReport;
    readonly redis?: ServiceReport;
    readonly providers: Readonly<Record<string, Reachability>>;
  };
  readonly version: string;
  readonly environment: string;
}

@Injectable()
export class HealthService {
  constructor(
    private readonly typeOrm: TypeOrmHealthIndicator,
    private readonly registry: ProviderRegistry,
    private readonly redis: RedisConnection,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  databaseAnswers(): HealthCheckAttempt<'database'> {
    return this.typeOrm.pingCheck('database').withTimeout(databaseTimeoutMs);
  }

  /** `healthy` as long as all is well: a provider or Redis that is down degrades, a database that is down is the end. */
  async report(tenantId: string): Promise<HealthReport> {
    const [{ database }, redis, providers] = await Promise.all([
      this.databaseAnswers(),
      this.redisReport(),
      this.registry.reachability(tenantId),
    ]);
    const databaseStatus = database.status === 'up' ? 'healthy' : 'unhealthy';
    const allReachable = Object.values(providers).every((reachability) => reachability !== 'unreachable');
    const degraded: Status = allReachable && redis?.status !== 'unhealthy' ? 'healthy' : 'degraded';
    return {
      status: databaseStatus === 'healthy' ? degraded : 'unhealthy',
      uptime: Math.floor(process.uptime()),
      services: {
        database: { status: databaseStatus, latency: latencyOf(database) },
        ...(redis === undefined ? {} : { redis }),
        providers,
      },
      version,
      environment: this.config.environment,
    };
  }

  private async redisReport(): Promise<ServiceReport | undefined> {
    if (!this.redis.isConfigured) return undefined;
    const latency = await this.redis.latency();
    return latency === undefined ? { status: 'unhealthy', latency: null } : { status: 'healthy', latency };
  }
}

function latencyOf(result: { readonly status: string; readonly responseTime?: unknown }): number | null {
  return result.status === 'up' && typeof result.responseTime === 'number' ? result.responseTime : null;
}

/** What of a report anybody may know. */
export function summarize({ status, services }: HealthReport): HealthSummary {
  const providersDown = Object.values(services.providers).includes('unreachable');
  return {
    status,
    services: {
      database: { status: services.database.status },
      ...(services.redis === undefined ? {} : { redis: { status: services.redis.status } }),
      providers: { status: providersDown ? 'degraded' : 'healthy' },
    },
  };
}
