import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import express, {
  type ErrorRequestHandler,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';

/** Deeper than any body of `/api`; far from what recursion over it could not bear. */
const defaultMaxDepth = 32;
/** Values in one body: to parse a million of them takes longer than everybody else can wait. */
const maxValues = 250_000;
const jsonUtf8 = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

interface JsonBodyOptions {
  /** Arrays and objects in each other. */
  readonly maxDepth?: number;
  /** Leaves the bytes as they arrived on the request, for routes that pass them on. */
  readonly keepsBytes?: boolean;
}

export interface RequestWithBytes extends IncomingMessage {
  /** Missing where a field of the body is there twice: whoever gets them might take the other one than we do. */
  bodyBytes?: Buffer | undefined;
}

/** What body-parser calls its failures: https://github.com/expressjs/body-parser#errors */
const codeByType: Readonly<Record<string, ErrorCode>> = {
  'entity.too.large': 'PAYLOAD_TOO_LARGE',
  'entity.parse.failed': 'INVALID_JSON',
  'entity.verify.failed': 'INVALID_JSON',
  'encoding.unsupported': 'UNSUPPORTED_MEDIA_TYPE',
  'charset.unsupported': 'UNSUPPORTED_MEDIA_TYPE',
};

/** A length of zero is no body: routes that want one say so. */
export function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function refuseOtherTypes(request: Request, _response: Response, next: NextFunction): void {
  if (
    request.body === undefined &&
    hasBody(request) &&
    !jsonUtf8.test(request.headers['content-type'] ?? '')
  ) {
    throw new DomainError('UNSUPPORTED_MEDIA_TYPE');
  }
  next();
}

/**
 * Answers as soon as the limit is passed. body-parser alone would read a body to its end before it refuses it, however long
 * that takes.
 */
export function refuseTooLarge(limitBytes: number): RequestHandler {
  return (request, response, next) => {
    const refuse = (): void => {
      response.setHeader('Connection', 'close');
      next(new DomainError('PAYLOAD_TOO_LARGE'));
    };
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
      refuse();
      return;
    }
    let received = 0;
    if (request.headers['transfer-encoding'] !== undefined) {
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > limitBytes && !response.headersSent) refuse();
      });
    }
    next();
  };
}

/**
 * Looks at the bytes before they are parsed: UTF-8 that is broken would be altered in silence, and nesting is counted outside
 * strings, in one pass, so that a bomb never reaches code that recurses.
 * @returns how many fields the outermost object names, one as often as it is there
 */
function refuseBrokenOrDeep(body: Buffer, maxDepth: number): number {
  if (!isUtf8(body)) throw new Error('not UTF-8');
  let fields = 0;
  let values = 0;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < body.length; index++) {
    const byte = body[index];
    if (inString) {
      if (byte === 0x5c) index++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > maxDepth) throw new Error('nested too deeply');
    } else if (byte === 0x5d || byte === 0x7d) depth--;
    else if (byte === 0x3a && depth === 1) fields++;
    else if (byte === 0x2c && ++values > maxValues) throw new Error('too many values');
  }
  return fields;
}

/** Gives failures of body-parser their code here, before Nest makes HTTP exceptions of them and drops what they are. */
export function nameFailures(
  error: unknown,
  _request: Request,
  _response: Response,
  next: NextFunction,
): void {
  const type = typeof error === 'object' && error !== null && 'type' in error ? String(error.type) : '';
  const code = codeByType[type];
  next(code === undefined ? error : new DomainError(code, { cause: error }));
}

/**
 * Reads JSON bodies of at most `limitBytes`; other content types are 415, malformed or deeply nested JSON 400. A body that was
 * read before, as a form, is left alone.
 */
export function jsonBody(
  limitBytes: number,
  { maxDepth = defaultMaxDepth, keepsBytes = false }: JsonBodyOptions = {},
): RequestHandler {
  const fieldsOf = new WeakMap<object, number>();
  const verify = (request: RequestWithBytes, _response: unknown, body: Buffer): void => {
    const fields = refuseBrokenOrDeep(body, maxDepth);
    if (!keepsBytes) return;
    fieldsOf.set(request, fields);
    request.bodyBytes = body;
  };
  const forgetAmbiguous = (
    request: Request & RequestWithBytes,
    _response: Response,
    next: NextFunction,
  ): void => {
    const body: unknown = request.body;
    const isPlain =
      typeof body === 'object' && body !== null && Object.keys(body).length === fieldsOf.get(request);
    if (!isPlain) request.bodyBytes = undefined;
    next();
  };
  const parse = express.json({ limit: limitBytes, type: () => true, verify });
  const read = express
    .Router()
    .use(
      refuseOtherTypes,
      refuseTooLarge(limitBytes),
      parse,
      ...(keepsBytes ? [forgetAmbiguous] : []),
      nameFailures as ErrorRequestHandler,
    );
  return (request, response, next) => {
    if (hasBody(request) && request.body === undefined) void read(request, response, next);
    else next();
  };
}
