import { AsyncLocalStorage } from 'node:async_hooks';
import type { NextFunction, Request, Response } from 'express';
import { v7 } from 'uuid';

interface RequestContext {
  readonly requestId: string;
  userId?: string;
}

const storage = new AsyncLocalStorage<RequestContext>();
const acceptable = /^[A-Za-z0-9_-]{8,64}$/;

/** The request being served, or undefined outside one. Log lines take their request id from here. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

/** Runs work that serves no request in particular, though one may have caused it: its log lines carry no request id. */
export function outsideRequests<Result>(work: () => Result): Result {
  return storage.exit(work);
}

/** The id of the request being served, as on every response, log line and audit row. */
export function currentRequestId(): string {
  return storage.getStore()?.requestId ?? '';
}

/** First of all middleware: takes `X-Request-Id` from the caller when it is well formed, else makes one (http-api.md). */
export function requestContext(request: Request, response: Response, next: NextFunction): void {
  const offered = request.get('x-request-id');
  const requestId =
    offered !== undefined && acceptable.test(offered) ? offered : `req_${v7().replaceAll('-', '')}`;
  response.setHeader('X-Request-Id', requestId);
  storage.run({ requestId }, next);
}
