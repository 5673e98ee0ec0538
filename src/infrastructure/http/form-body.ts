import express, { type RequestHandler } from 'express';
import { DomainError } from '../../common/domain-error.js';
import { hasBody, nameFailures, refuseTooLarge } from './json-body.js';

const formUtf8 = /^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-8"?\s*)?$/i;
const maxFields = 10;

/** Reads a form of at most `limitBytes`, flat; other content types are 415. For the route that it is put before. */
export function formBody(limitBytes: number): (RequestHandler | typeof nameFailures)[] {
  const refuseOtherTypes: RequestHandler = (request, _response, next) => {
    if (hasBody(request) && !formUtf8.test(request.headers['content-type'] ?? '')) {
      throw new DomainError('UNSUPPORTED_MEDIA_TYPE');
    }
    next();
  };
  const parse = express.urlencoded({ extended: false, limit: limitBytes, parameterLimit: maxFields });
  return [refuseOtherTypes, refuseTooLarge(limitBytes), parse, nameFailures];
}
