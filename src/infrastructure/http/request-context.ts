import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { toWireId } from '../../common/ids.js';
import { clientIp } from './client-ip.js';

/** What a log line says of the request that caused it; ids as on the wire. */
interface LoggedContext {
  readonly requestId: string;
  userId?: string;
  tokenId?: string;
}

/** Who sent the request, once that is proven. */
interface RequestCaller {
  readonly userId: string;
  /** Of the API token that was presented. */
  readonly tokenId?: string | undefined;
}

interface RequestContext {
  readonly logged: LoggedContext;
  caller?: RequestCaller;
  readonly request: Request;
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

/** The address of the client of the request being served, as the trusted proxies tell it. */
export function currentIp(): string | undefined {
  const context = storage.getStore();
  return context === undefined ? undefined : clientIp(context.request);
}

/** Whether a request is being served. */
export function isServing(): boolean {
  return storage.getStore() !== undefined;
}

/** Who sent the request being served; undefined outside one, and when nobody is known to have sent it. */
export function currentCaller(): RequestCaller | undefined {
  return storage.getStore()?.caller;
}

/** Names who sent the request being served in every log line and audit row that it causes from now on. */
export function nameCaller(caller: RequestCaller): void {
  const context = storage.getStore();
  if (context === undefined) return;
  context.caller = caller;
  context.logged.userId = toWireId('user', caller.userId);
  if (caller.tokenId !== undefined) context.logged.tokenId = toWireId('token', caller.tokenId);
}

/** First of all middleware: takes `X-Request-Id` from the caller when it is well formed, else makes one (http-api.md). */
export function requestContext(request: Request, response: Response, next: NextFunction): void {
  const offered = request.headers['x-request-id'];
  const requestId =
    typeof offered === 'string' && acceptable.test(offered)
      ? offered
      : `req_${randomUUID().replaceAll('-', '')}`;
  response.setHeader('X-Request-Id', requestId);
  storage.run({ logged: { requestId }, request }, next);
}
