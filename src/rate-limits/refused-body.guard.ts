import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';

interface RequestWithBody extends Request {
  /** Why the body was not read. */
  bodyRefusal?: unknown;
}

/** After the middleware that reads bodies: keeps what it refused until the request is counted, as every other one is. */
export function leaveRefusedBody(
  error: unknown,
  request: RequestWithBody,
  _response: Response,
  next: NextFunction,
): void {
  // A body that is too large is refused before its end, and once more at its end.
  if (request.bodyRefusal !== undefined) return;
  request.bodyRefusal = error;
  next();
}

/** The third of the guards: tells why a body was refused. */
@Injectable()
export class RefusedBodyGuard implements CanActivate {
  /** @throws DomainError PAYLOAD_TOO_LARGE, INVALID_JSON, UNSUPPORTED_MEDIA_TYPE */
  canActivate(context: ExecutionContext): boolean {
    const { bodyRefusal } = context.switchToHttp().getRequest<RequestWithBody>();
    // Whatever it was, as the filter knows it.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (bodyRefusal !== undefined) throw bodyRefusal;
    return true;
  }
}
