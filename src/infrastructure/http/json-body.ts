import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { DomainError } from '../../common/domain-error.js';

/** Deeper than any body of ours; far from what recursion over it could not bear. */
const maxDepth = 32;
const jsonUtf8 = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

function hasBody(request: Request): boolean {
  return (
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  );
}

function refuseOtherTypes(request: Request, _response: Response, next: NextFunction): void {
  if (hasBody(request) && !jsonUtf8.test(request.headers['content-type'] ?? '')) {
    throw new DomainError('UNSUPPORTED_MEDIA_TYPE');
  }
  next();
}

/** Counts nesting outside strings before parsing, in one pass, so that a bomb never reaches code that recurses. */
function refuseDeepNesting(_request: unknown, _response: unknown, body: Buffer): void {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < body.length; index++) {
    const byte = body[index];
    if (inString) {
      if (byte === 0x5c) index++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > maxDepth)
        throw new DomainError('INVALID_JSON', { message: 'The body is nested too deeply.' });
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
}

/** Reads JSON bodies of at most `limitBytes`; other content types are 415, malformed or deeply nested JSON 400. */
export function jsonBody(limitBytes: number): RequestHandler[] {
  return [refuseOtherTypes, express.json({ limit: limitBytes, type: () => true, verify: refuseDeepNesting })];
}
