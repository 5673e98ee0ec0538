import type { Request, RequestHandler, Response } from 'express';
import type { IncomingMessage } from 'node:http';
import { hasBody } from './body-reader.js';

const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/**
 * Cuts off a request whose body has not arrived within `limitMs`, as Node's own `requestTimeout` would, which is one for all requests:
 * `takeLonger` is for routes that read the body themselves.
 */
export function arrivingWithin(limitMs: number): RequestHandler {
  return (request, response, next) => {
    if (hasBody(request)) limit(request, response, limitMs);
    next();
  };
}

/** From now on the route bounds the time that the body takes. What is left of it when the answer is sent has `restMs` to arrive. */
export function takeLonger(request: Request, response: Response, restMs: number): void {
  clearTimeout(deadlines.get(request));
  response.once('finish', () => {
    if (request.complete) return;
    limit(request, response, restMs);
    request.resume();
  });
}

function limit(request: Request, response: Response, limitMs: number): void {
  const timer = setTimeout(() => {
    if (request.complete) return;
    if (!response.headersSent)
      request.socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
    request.socket.destroySoon();
  }, limitMs).unref();
  deadlines.set(request, timer);
  request.once('close', () => clearTimeout(timer));
}
