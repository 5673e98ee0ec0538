import { Inject, Injectable } from '@nestjs/common';
import { TypeOrmHealthIndicator, type HealthCheckAttempt } from '@nestjs/terminus';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
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
    readonly providers: { readonly status: Status };
  };
}

export interface HealthReport {
  readonly status: Status;
  /** Of the process, in seconds. */
  readonly uptime: number;
  readonly services: {
    /** Latency in milliseconds. */
    readonly database: { readonly status: Status; readonly latency: number | null };
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
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  databaseAnswers(): HealthCheckAttempt<'database'> {
    return this.typeOrm.pingCheck('database').withTimeout(databaseTimeoutMs);
  }

  /** `healthy` as long as people can be served: a provider that is down degrades, a database that is down is the end. */
  async report(tenantId: string): Promise<HealthReport> {
    const [{ database }, providers] = await Promise.all([
      this.databaseAnswers(),
      this.registry.reachability(tenantId),
    ]);
    const databaseStatus = database.status === 'up' ? 'healthy' : 'unhealthy';
    const allReachable = Object.values(providers).every((reachability) => reachability !== 'unreachable');
    const degraded: Status = allReachable ? 'healthy' : 'degraded';
    return {
      status: databaseStatus === 'healthy' ? degraded : 'unhealthy',
      uptime: Math.floor(process.uptime()),
      services: {
        database: { status: databaseStatus, latency: latencyOf(database) },
        providers,
      },
      version,
      environment: this.config.environment,
    };
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
      providers: { status: providersDown ? 'degraded' : 'healthy' },
    },
  };
}
