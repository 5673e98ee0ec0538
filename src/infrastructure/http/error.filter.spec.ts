import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { Log } from '../logging/log.js';
import { ErrorShapes } from './error-shapes.js';
import { ErrorFilter } from './error.filter.js';

class StoppedClock extends Clock {
  ms = 0;

  override now(): Date {
    return new Date(this.ms);
  }

  override monotonicMs(): number {
    return this.ms;
  }
}

let clock: StoppedClock;
let lines: Record<string, unknown>[];
let filter: ErrorFilter;

beforeEach(() => {
  clock = new StoppedClock();
  lines = [];
  const log = new Log(
    { 'log.level': 'info', 'log.format': 'json' },
    { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  filter = new ErrorFilter(clock, log, new ErrorShapes());
});

/** An answer that had begun, since what is logged is all that matters. */
function fail(error: unknown): void {
  filter.catch(error, new ExecutionContextHost([{}, { headersSent: true, destroy: () => undefined }]));
}

function outage(): DomainError {
  const cause = new Error('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND id.example.org') });
  return new DomainError('IDENTITY_PROVIDER_UNAVAILABLE', { cause });
}

describe('an identity provider that is down', () => {
  it('is a warning every ten seconds, without a stack, however many ask', () => {
    for (let request = 0; request < 100; request++) fail(outage());
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.any(String),
        code: 'IDENTITY_PROVIDER_UNAVAILABLE',
        reason: 'getaddrinfo ENOTFOUND id.example.org',
        msg: 'an identity provider cannot be asked',
      },
    ]);
    clock.ms = 9_999;
    fail(outage());
    expect(lines).toHaveLength(1);
    clock.ms = 10_000;
    fail(outage());
    expect(lines).toHaveLength(2);
  });

  it('hides no other failure', () => {
    fail(outage());
    fail(new DomainError('IDENTITY_PROVIDER_INVALID'));
    fail(new Error('nobody foresaw this'));
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'error', 'error']);
  });
});
