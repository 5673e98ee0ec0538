import { ExpressAdapter } from '@nestjs/platform-express';
import type { Response } from 'express';
import type { Clock } from '../../common/clock.js';
import { successEnvelope } from './envelope.js';

const nativeDoor = /^\/api\//i;

/**
 * How what a route returns becomes an answer: under `/api` in the envelope. Here and not in an interceptor, because that would
 * cost every request an Observable, and Express's own way to send JSON as much again.
 */
export class ParleyAdapter extends ExpressAdapter {
  constructor(private readonly clock: Clock) {
    super();
  }

  override reply(response: Response, body: unknown, statusCode?: number): unknown {
    if (!nativeDoor.test(response.req.originalUrl)) return super.reply(response, body, statusCode);
    if (statusCode !== undefined) response.statusCode = statusCode;
    if (response.statusCode === 204) return response.end();
    const text = JSON.stringify(successEnvelope(body, this.clock.now()));
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('Content-Length', Buffer.byteLength(text));
    return response.end(text);
  }
}
