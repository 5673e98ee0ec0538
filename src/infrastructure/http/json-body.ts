import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import express, { type Request } from 'express';
import { parseWithin, requireType, type BodyReader } from './body-reader.js';

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

/** Reads JSON bodies of at most `limitBytes`; other content types are 415, malformed or deeply nested JSON 400. */
export function jsonBody(
  limitBytes: number,
  { maxDepth = defaultMaxDepth, keepsBytes = false }: JsonBodyOptions = {},
): BodyReader {
  const fieldsOf = new WeakMap<object, number>();
  const verify = (request: RequestWithBytes, _response: unknown, body: Buffer): void => {
    const fields = refuseBrokenOrDeep(body, maxDepth);
    if (!keepsBytes) return;
    fieldsOf.set(request, fields);
    request.bodyBytes = body;
  };
  const parse = parseWithin(limitBytes, express.json({ limit: limitBytes, type: () => true, verify }));
  return async (request: Request & RequestWithBytes, response) => {
    requireType(request, jsonUtf8);
    await parse(request, response);
    if (!keepsBytes) return;
    const body: unknown = request.body;
    const isPlain =
      typeof body === 'object' && body !== null && Object.keys(body).length === fieldsOf.get(request);
    if (!isPlain) request.bodyBytes = undefined;
  };
}
