import { Catch, Controller, Get, ServiceUnavailableException, UseFilters } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { HealthCheckService } from '@nestjs/terminus';
import type { Response } from 'express';
import { Public } from '../auth/access.js';
import { Lifecycle } from '../infrastructure/lifecycle.js';
import { HealthService } from './health.service.js';
import { Unlimited } from '../rate-limits/rate-limit.js';

interface ProbeAnswer {
  readonly status: 'ok' | 'unavailable';
}

/** A probe answers a status and nothing of what is behind it, also when it fails. */
@Catch(ServiceUnavailableException)
class ProbeFilter implements ExceptionFilter {
  catch(_error: ServiceUnavailableException, host: ArgumentsHost): void {
    const answer: ProbeAnswer = { status: 'unavailable' };
    host.switchToHttp().getResponse<Response>().status(503).json(answer);
  }
}

/** For Kubernetes (operations.md, Health). */
@ApiExcludeController()
@Controller('health')
@Unlimited()
@UseFilters(ProbeFilter)
export class ProbesController {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly health: HealthService,
    private readonly checks: HealthCheckService,
  ) {}

  /** The event loop answers; asks nothing else, so that a database that is down restarts no replica. */
  @Get('live')
  @Public()
  live(): ProbeAnswer {
    return { status: 'ok' };
  }

  @Get('startup')
  @Public()
  startup(): ProbeAnswer {
    if (!this.lifecycle.hasStarted) throw new ServiceUnavailableException();
    return { status: 'ok' };
  }

  @Get('ready')
  @Public()
  async ready(): Promise<ProbeAnswer> {
    if (!this.lifecycle.hasStarted || this.lifecycle.isDraining) throw new ServiceUnavailableException();
    await this.checks.check([() => this.health.databaseAnswers()]);
    return { status: 'ok' };
  }
}
