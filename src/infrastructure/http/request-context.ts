import { AsyncLocalStorage } from 'node:async_hooks';
import type { NextFunction, Request, Response } from 'express';
import { v7 } from 'uuid';

/** What a log line says of the request that caused it; ids as on the wire. */
interface LoggedContext {
  readonly requestId: string;
  userId?: string;
  tokenId?: string;
}

interface RequestContext {
  readonly logged: LoggedContext;
  /** Of the client, as the trusted proxies tell it. */
  readonly ip: string | undefined;
}

const storage = new AsyncLocalStorage<RequestContext>();
const acceptable = /^[A-Za-z0-9_-]{8,64}$/;

/** What to log of the request being served, or undefined outside one. */
export function loggedRequest(): LoggedContext | undefined {
  return storage.getStore()?.logged;
}

/** Runs work that serves no request in particular, though one may have caused it: its log lines carry no request id. */
export function outsideRequests<Result>(work: () => Result): Result {
  return storage.exit(work);
}

/** The id of the request being served, as on every response, log line and audit row; empty outside one. */
export function currentRequestId(): string {
  return storage.getStore()?.logged.requestId ?? '';
}

/** The address of the client of the request being served. */
export function currentIp(): string | undefined {
  return storage.getStore()?.ip;
}

/** First of all middleware: takes `X-Request-Id` from the caller when it is well formed, else makes one (http-api.md). */
export function requestContext(request: Request, response: Response, next: NextFunction): void {
  const offered = request.get('x-request-id');
  const requestId =
    offered !== undefined && acceptable.test(offered) ? offered : `req_${v7().replaceAll('-', '')}`;
  response.setHeader('X-Request-Id', requestId);
  storage.run({ logged: { requestId }, ip: request.ip }, next);
}
