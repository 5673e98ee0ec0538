import express from 'express';
import { parseWithin, requireType, type BodyReader } from './body-reader.js';

const formUtf8 = /^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-8"?\s*)?$/i;
const maxFields = 10;

/** Reads a form of at most `limitBytes`, flat; other content types are 415. */
export function formBody(limitBytes: number): BodyReader {
  const parse = parseWithin(
    limitBytes,
    express.urlencoded({ extended: false, limit: limitBytes, parameterLimit: maxFields }),
  );
  return async (request, response) => {
    requireType(request, formUtf8);
    await parse(request, response);
  };
}
