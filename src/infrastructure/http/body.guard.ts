import {
  applyDecorators,
  Inject,
  Injectable,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { hasBody, type BodyReader } from './body-reader.js';
import { formBody } from './form-body.js';
import { jsonBody } from './json-body.js';

/** Of a logout token, with room. */
const maxFormBytes = 16_384;

/**
 * What a route is sent: a form; JSON in a vendor's words, whose bytes may be passed on; or something that the route reads itself, as it
 * arrives. JSON of ours is what every other route is sent.
 */
type BodyKind = 'form' | 'vendor-json' | 'stream';

const kindKey = 'parley:body';
const hiddenKey = 'parley:hidden';

export const TakesBody = (kind: BodyKind): MethodDecorator & ClassDecorator => SetMetadata(kindKey, kind);

/** For public routes that are not there at times: a guard of their own says so, before anything is read. */
export const SometimesHidden = (...guards: Parameters<typeof UseGuards>): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(hiddenKey, true), UseGuards(...guards, HiddenRouteBodyGuard));

/** Reads the body of a request. */
@Injectable()
class HiddenRouteBodyGuard implements CanActivate {
  private readonly readers: Readonly<Record<Exclude<BodyKind, 'stream'> | 'json', BodyReader>>;

  constructor(
    protected readonly reflector: Reflector,
    @Inject(CONFIGURATION) config: BootConfiguration,
  ) {
    this.readers = {
      json: jsonBody(config['server.bodyLimitBytes']),
      'vendor-json': jsonBody(config['server.v1BodyLimitBytes'], { maxDepth: 100, keepsBytes: true }),
      form: formBody(maxFormBytes),
    };
  }

  /** @throws DomainError PAYLOAD_TOO_LARGE, INVALID_JSON, UNSUPPORTED_MEDIA_TYPE */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    if (!hasBody(request)) return true;
    const kind = this.reflector.getAllAndOverride<BodyKind | undefined>(kindKey, targets(context)) ?? 'json';
    if (kind !== 'stream') await this.readers[kind](request, http.getResponse<Response>());
    return true;
  }
}

/** The last of the guards of every route, so that nobody has us read who may not ask. */
@Injectable()
export class BodyGuard extends HiddenRouteBodyGuard {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    return (
      this.reflector.getAllAndOverride<true | undefined>(hiddenKey, targets(context)) ??
      super.canActivate(context)
    );
  }
}

function targets(context: ExecutionContext): Parameters<Reflector['getAllAndOverride']>[1] {
  return [context.getHandler(), context.getClass()];
}
