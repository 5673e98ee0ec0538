import { QueryFailedError } from 'typeorm';

/** SQLSTATE, https://www.postgresql.org/docs/18/errcodes-appendix.html */
const sqlStates = {
  foreignKeyViolation: '23503',
  uniqueViolation: '23505',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  queryCanceled: '57014',
} as const;

/** 08: connection; 53300: too many connections; 57P01 to 57P03: shut down, crashed, starting up. */
const unavailableState = /^(?:08...|53300|57P0[123])$/;

/** Node's own words for a socket that failed, and those of pg and pg-pool, which carry no code. */
const socketCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);
const driverMessages =
  /^(?:Connection terminated|Query read timeout|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error)/;

function codeOf(error: unknown): string | undefined {
  const inner = error instanceof QueryFailedError ? (error.driverError as unknown) : error;
  if (typeof inner !== 'object' || inner === null || !('code' in inner)) return undefined;
  return typeof inner.code === 'string' ? inner.code : undefined;
}

/** Whether the transaction lost a race and may simply be run again. */
export function isRetryable(error: unknown): boolean {
  const code = codeOf(error);
  return code === sqlStates.serializationFailure || code === sqlStates.deadlockDetected;
}

/** Whether a statement took longer than it may. */
export function isCancelled(error: unknown): boolean {
  return codeOf(error) === sqlStates.queryCanceled;
}

/** Whether the database answers, and will never take what it was given: bad data, a broken constraint, a limit. */
export function refusesData(error: unknown): boolean {
  return /^(?:22|23|54)/.test(codeOf(error) ?? '');
}

/** Whether a row broke the named unique constraint or index. */
export function violatesUnique(error: unknown, constraint: string): boolean {
  return violates(error, sqlStates.uniqueViolation, constraint);
}

/** Whether a row names, by the foreign key, another one that is not there. */
export function violatesForeignKey(error: unknown, constraint: string): boolean {
  return violates(error, sqlStates.foreignKeyViolation, constraint);
}

function violates(error: unknown, sqlState: string, constraint: string): boolean {
  if (!(error instanceof QueryFailedError) || codeOf(error) !== sqlState) return false;
  return (error.driverError as { constraint?: unknown }).constraint === constraint;
}

/** Whether the database could not be asked at all; what was sent may or may not have been done. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable);
  const code = codeOf(error);
  if (code !== undefined) return unavailableState.test(code) || socketCodes.has(code);
  return error instanceof Error && driverMessages.test(error.message);
}
