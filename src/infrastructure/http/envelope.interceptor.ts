import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { Clock } from '../../common/clock.js';
import { successEnvelope } from './envelope.js';

/** Wraps what a native controller returns in the envelope of `/api`. */
@Injectable()
export class EnvelopeInterceptor implements NestInterceptor {
  constructor(private readonly clock: Clock) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<object> {
    return next.handle().pipe(map((result: unknown) => successEnvelope(result, this.clock.now())));
  }
}
