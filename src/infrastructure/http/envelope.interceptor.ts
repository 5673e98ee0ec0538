import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { Clock } from '../../common/clock.js';
import { Page, type Pagination } from '../../common/cursor.js';
import { currentRequestId } from './request-context.js';

interface Success {
  readonly success: true;
  readonly data: unknown;
  readonly pagination?: Pagination;
  readonly timestamp: string;
  readonly requestId: string;
}

/** Wraps what a native controller returns in the envelope of `/api` (http-api.md). A `Page` becomes data and pagination. */
@Injectable()
export class EnvelopeInterceptor implements NestInterceptor {
  constructor(private readonly clock: Clock) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<Success> {
    return next.handle().pipe(
      map((result: unknown) => ({
        success: true,
        ...(result instanceof Page
          ? { data: result.items as unknown, pagination: result.pagination }
          : { data: result ?? null }),
        timestamp: this.clock.now().toISOString(),
        requestId: currentRequestId(),
      })),
    );
  }
}
