import { errorCatalogue, type ErrorCode, type ErrorType } from './error-catalogue.js';

interface DomainErrorOptions {
  /** Replaces the catalogue's message; for people, without secrets. */
  readonly message?: string;
  /** Path of the offending field, e.g. `settings.defaultTemperature`. */
  readonly param?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** When to try again, in milliseconds from now. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A rule of Parley that was broken, by its code in the catalogue. Each door renders its own shape from it. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly status: number;
  readonly type: ErrorType;
  readonly param: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: ErrorCode,
    options: DomainErrorOptions = {},
  ) {
    const definition = errorCatalogue[code];
    super(options.message ?? definition.message, { cause: options.cause });
    this.status = definition.status;
    this.type = definition.type;
    this.param = options.param;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }
}
