import { applyDecorators, Controller, UseInterceptors } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { EnvelopeInterceptor } from './envelope.interceptor.js';

/** A controller of the native API: under `/api` and, the same, under `/api/v1`; answers in the envelope. */
export function NativeController(path: string, tag: string): ClassDecorator {
  return applyDecorators(
    Controller([`api/${path}`, `api/v1/${path}`]),
    UseInterceptors(EnvelopeInterceptor),
    ApiTags(tag),
  );
}
