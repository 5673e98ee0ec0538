import { Get } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import { PublicGreeting } from '../auth/access.js';
import { OptionalCaller, type Caller } from '../auth/caller.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { Limited } from '../rate-limits/rate-limit.js';
import { defaultTenantId } from '../tenants/default-tenant.js';
import { HealthService, summarize, type HealthReport, type HealthSummary } from './health.service.js';

@NativeController('health', 'Operations')
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get()
  @PublicGreeting()
  @Limited('health')
  @ApiOkResponse({
    description: 'Status by service; with versions, names and latencies for those who are logged in.',
  })
  async get(@OptionalCaller() caller: Caller | undefined): Promise<HealthReport | HealthSummary> {
    const report = await this.health.report(caller?.tenantId ?? defaultTenantId);
    return caller === undefined ? summarize(report) : report;
  }
}
