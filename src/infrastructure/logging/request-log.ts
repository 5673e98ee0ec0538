import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Clock } from '../../common/clock.js';
import { loggedRequest } from '../http/request-context.js';
import type { Log } from './log.js';

/** The pattern of the matched route, never the path itself: ids stay out of labels and log searches stay cheap. */
function routePattern(request: Request): string {
  const route = request.route as { path?: unknown } | undefined;
  return typeof route?.path === 'string' ? route.path : 'unmatched';
}

/** One line for each request when its answer is finished or its client is gone. */
export function requestLog(log: Log, clock: Clock): RequestHandler {
  return (request: Request, response: Response, next: NextFunction): void => {
    const context = loggedRequest();
    const start = clock.monotonicMs();
    const { socket } = request;
    const bytesBefore = socket.bytesWritten;
    response.once('close', () => {
      log.info(
        {
          // The end may come from the socket, outside the request.
          ...context,
          method: request.method,
          route: routePattern(request),
          status: response.statusCode,
          durationMs: Math.round(clock.monotonicMs() - start),
          bytes: socket.bytesWritten - bytesBefore,
          ...(response.writableFinished ? {} : { aborted: true }),
        },
        'request',
      );
    });
    next();
  };
}
