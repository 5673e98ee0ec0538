import {
  applyDecorators,
  Injectable,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
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

const hiddenKey = 'parley:hidden';

/** For public routes that are not there at times: a guard of their own says so, before `RefusedBody` tells what is wrong with a body. */
export const SometimesHidden = (...guards: Parameters<typeof UseGuards>): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(hiddenKey, true), UseGuards(...guards, RefusedBody));

/** Tells why a body was refused. */
@Injectable()
class RefusedBody implements CanActivate {
  /** @throws DomainError PAYLOAD_TOO_LARGE, INVALID_JSON, UNSUPPORTED_MEDIA_TYPE */
  canActivate(context: ExecutionContext): boolean {
    const { bodyRefusal } = context.switchToHttp().getRequest<RequestWithBody>();
    // Whatever it was, as the filter knows it.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (bodyRefusal !== undefined) throw bodyRefusal;
    return true;
  }
}

/** The third of the guards of every route: but for those that may be hidden, for which it comes last. */
@Injectable()
export class RefusedBodyGuard extends RefusedBody {
  constructor(private readonly reflector: Reflector) {
    super();
  }

  override canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    return (
      this.reflector.getAllAndOverride<true | undefined>(hiddenKey, targets) ?? super.canActivate(context)
    );
  }
}
