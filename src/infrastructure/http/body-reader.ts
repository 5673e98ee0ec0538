import type { Request, RequestHandler, Response } from 'express';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';

/** Leaves the body on the request. */
export type BodyReader = (request: Request, response: Response) => Promise<void>;

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

/** @throws DomainError UNSUPPORTED_MEDIA_TYPE */
export function requireType({ headers }: Request, type: RegExp): void {
  if (!type.test(headers['content-type'] ?? '')) throw new DomainError('UNSUPPORTED_MEDIA_TYPE');
}

/**
 * Reads by one of Express's parsers, and answers as soon as the limit is passed: the parser alone would read a body to its end
 * before it refuses it, however long that takes.
 */
export function parseWithin(limitBytes: number, parse: RequestHandler): BodyReader {
  return (request, response) =>
    new Promise((resolve, reject) => {
      const refuse = (): void => {
        if (!response.headersSent) response.setHeader('Connection', 'close');
        reject(new DomainError('PAYLOAD_TOO_LARGE'));
      };
      if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
        refuse();
        return;
      }
      if (request.headers['transfer-encoding'] !== undefined) {
        let received = 0;
        request.on('data', (chunk: Buffer) => {
          received += chunk.length;
          if (received > limitBytes) refuse();
        });
      }
      void parse(request, response, (error: unknown) => {
        if (error === undefined) resolve();
        else reject(named(error));
      });
    });
}

/** Failures of body-parser get their code here, before Nest makes HTTP exceptions of them and drops what they are. */
function named(error: unknown): Error {
  const type = error instanceof Error && 'type' in error ? String(error.type) : '';
  const code = codeByType[type];
  if (code !== undefined) return new DomainError(code, { cause: error });
  return error instanceof Error ? error : new Error('The body could not be read.', { cause: error });
}
