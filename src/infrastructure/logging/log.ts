import { Injectable, type LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Configuration } from '../../config/registry.js';
import { loggedRequest } from '../http/request-context.js';
import { scrub } from './scrubber.js';

type Fields = Readonly<Record<string, unknown>>;

const maxCauses = 5;

/** Lines are written together, 4 KB or a tenth of a second of them; what is left goes out when the process ends. */
const buffered = { sync: false, minLength: 4096, periodicFlush: 100 };

let shared: DestinationStream | undefined;

/** One buffer for the process: several would mix up the order of lines, and each would look ten times a second what there is. */
function standardOutput(): DestinationStream {
  shared ??= pino.destination(buffered);
  return shared;
}

/** Its cause holds what a vendor sent, which may quote people's messages or a key: only where it was thrown is told. */
const opaqueCauses = new Set(['ProviderError']);

/** Type, message, code and stack of an error and its causes; no other property, since SDKs hang requests on theirs. */
function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: typeof error === 'string' ? error : typeof error };
  const { name, message, stack, cause } = error;
  const code = 'code' in error && ['string', 'number'].includes(typeof error.code) ? error.code : undefined;
  const described = { type: name, message, ...(code === undefined ? {} : { code }), stack };
  if (cause === undefined || depth >= maxCauses) return described;
  if (opaqueCauses.has(name))
    return { ...described, cause: { type: cause instanceof Error ? cause.name : typeof cause } };
  return { ...described, cause: serializeError(cause, depth + 1) };
}

/** JSON log lines by pino, each with the id of the request being served. Message text and credentials are never given to it. */
@Injectable()
export class Log {
  private readonly pino: Logger;

  constructor(config: Pick<Configuration, 'log.level' | 'log.format'>, destination?: DestinationStream) {
    const isPretty =
      config['log.format'] === 'pretty' || (config['log.format'] === 'auto' && process.stdout.isTTY);
    this.pino = pino(
      {
        level: config['log.level'],
        base: null,
        serializers: { err: (error: unknown) => serializeError(error) },
        formatters: { level: (label) => ({ level: label }) },
        timestamp: pino.stdTimeFunctions.isoTime,
        mixin: () => ({ ...loggedRequest() }),
        hooks: { streamWrite: scrub },
      },
      destination ?? (isPretty ? pretty({ sync: true }) : standardOutput()),
    );
  }

  debug(fields: Fields, message: string): void {
    this.pino.debug(fields, message);
  }

  info(fields: Fields, message: string): void {
    this.pino.info(fields, message);
  }

  warn(fields: Fields, message: string): void {
    this.pino.warn(fields, message);
  }

  error(fields: Fields, message: string): void {
    this.pino.error(fields, message);
  }

  fatal(fields: Fields, message: string): void {
    this.pino.fatal(fields, message);
  }
}

/** Nest's own lines, in our format. Its start-up chatter is debug. */
export class NestLog implements LoggerService {
  constructor(private readonly output: Log) {}

  log(message: unknown, context?: unknown): void {
    this.output.debug({ context }, String(message));
  }

  warn(message: unknown, context?: unknown): void {
    this.output.warn({ context }, String(message));
  }

  error(message: unknown, stack?: unknown, context?: unknown): void {
    this.output.error({ context, stack }, String(message));
  }

  fatal(message: unknown, context?: unknown): void {
    this.output.fatal({ context }, String(message));
  }
}
