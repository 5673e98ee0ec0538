import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Clock } from '../../common/clock.js';
import type { DomainError } from '../../common/domain-error.js';
import { Log } from '../logging/log.js';
import { errorPage } from './error-page.js';
import { ErrorShapes } from './error-shapes.js';
import { currentRequestId } from './request-context.js';
import { toDomainError } from './to-domain-error.js';

/** For a 429 or 503 whose cause did not say. */
const defaultRetryAfterMs = 5000;

/** Between two lines on an identity provider that is down: anybody may cause one by asking to log in. */
const outageLineIntervalMs = 10_000;

function mustWait(status: number): boolean {
  return status === 429 || status === 503;
}

/** The error envelope of `/api` (http-api.md). */
function errorEnvelope(error: DomainError, clock: Clock): object {
  return {
    success: false,
    error: {
      code: error.code,
      message: error.message,
      type: error.type,
      ...(error.param === undefined ? {} : { param: error.param }),
      ...(error.details === undefined ? {} : { details: error.details }),
    },
    timestamp: clock.now().toISOString(),
    requestId: currentRequestId(),
  };
}

/** The words of the innermost cause that has any, such as that there is no such host. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { cause, message } = error;
  return reasonOf(cause) ?? (message === '' ? undefined : message);
}

/** The one place where an error becomes an answer. The browser's door gets a page, others their own shape, everything else the envelope. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private outageNotedAtMs = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly shapes: ErrorShapes,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const error = toDomainError(thrown);
    this.note(error, thrown);
    if (response.headersSent) {
      // A cut connection is the only honest end of an answer that had begun.
      response.destroy();
      return;
    }
    const retryAfterMs = error.retryAfterMs ?? (mustWait(error.status) ? defaultRetryAfterMs : undefined);
    if (retryAfterMs !== undefined) {
      response.setHeader('Retry-After', String(Math.ceil(retryAfterMs / 1000)));
    }
    const shape = this.shapes.for(request.path);
    if (shape !== undefined) {
      const { status, headers = {}, body } = shape.render(error, currentRequestId());
      response.status(status).set(headers).json(body);
    } else if (/^\/app(?:\/|$)/i.test(request.path)) {
      response.status(error.status).type('html').send(errorPage(error, currentRequestId()));
    } else {
      response.status(error.status).json(errorEnvelope(error, this.clock));
    }
  }

  /** What a provider did is in the line of its generation, with the reason. */
  private note(error: DomainError, thrown: unknown): void {
    const { code, status, type } = error;
    if (type === 'provider_error') this.log.info({ code }, 'a provider failed');
    else if (code === 'IDENTITY_PROVIDER_UNAVAILABLE') this.noteOutage(error);
    else if (status >= 500) this.log.error({ err: thrown, code }, 'request failed');
  }

  private noteOutage({ code, cause }: DomainError): void {
    const now = this.clock.monotonicMs();
    if (now < this.outageNotedAtMs + outageLineIntervalMs) return;
    this.outageNotedAtMs = now;
    this.log.warn({ code, reason: reasonOf(cause) }, 'an identity provider cannot be asked');
  }
}
