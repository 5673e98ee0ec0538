import { beforeEach, describe, expect, it } from '@jest/globals';
import { StillClock } from '../../test/support/still-clock.js';
import { testConfiguration } from '../../test/support/test-configuration.js';
import { ProviderError, type ProviderErrorOptions } from '../llm-providers/contract/provider-error.js';
import { CircuitBreakers, isOutage, type Passage } from './circuit-breakers.js';

let clock: StillClock;
let breakers: CircuitBreakers;

beforeEach(() => {
  clock = new StillClock();
  const config = testConfiguration({
    'database.url': 'postgres://127.0.0.1:1/none',
    'breaker.failures': 3,
    'breaker.openMs': 30_000,
  });
  breakers = new CircuitBreakers(clock, config);
});

function admitted(model = 'm'): Passage {
  const passage = breakers.admit('c', model);
  if (passage === undefined) throw new Error('refused');
  return passage;
}

function fail(times: number, model = 'm'): void {
  for (let count = 0; count < times; count++) admitted(model).ended('failed');
}

function openAndWait(): void {
  fail(3);
  clock.ms += 30_000;
}

describe('a circuit breaker', () => {
  it('opens after its number of failures in a row, for its time', () => {
    fail(2);
    expect(breakers.state('c', 'm')).toBe('closed');
    fail(1);
    expect(breakers.state('c', 'm')).toBe('open');
    expect(breakers.admit('c', 'm')).toBeUndefined();
    clock.ms += 29_999;
    expect(breakers.refusedForMs('c', 'm')).toBe(1);
    clock.ms += 1;
    expect(breakers.state('c', 'm')).toBe('half_open');
    expect(breakers.refusedForMs('c', 'm')).toBeUndefined();
  });

  it('counts failures from the last success', () => {
    fail(2);
    admitted().ended('succeeded');
    fail(2);
    expect(breakers.state('c', 'm')).toBe('closed');
  });

  it('counts calls that show nothing neither way', () => {
    fail(2);
    admitted().ended('neither');
    expect(breakers.state('c', 'm')).toBe('closed');
    fail(1);
    expect(breakers.state('c', 'm')).toBe('open');
  });

  it('is of one connection and model alone, and seen on the connection', () => {
    fail(3);
    expect(breakers.state('c', 'other')).toBe('closed');
    expect(breakers.state('d', 'm')).toBe('closed');
    expect(breakers.openOn('c')).toBe(true);
    expect(breakers.openOn('d')).toBe(false);
    clock.ms += 30_000;
    expect(breakers.openOn('c')).toBe(false);
  });

  it('lets one probe through when half-open, and nobody else until that has ended', () => {
    openAndWait();
    const probe = admitted();
    expect(breakers.admit('c', 'm')).toBeUndefined();
    expect(breakers.refusedForMs('c', 'm')).toBe(1000);
    probe.ended('succeeded');
    expect(breakers.state('c', 'm')).toBe('closed');
    fail(2);
    expect(breakers.state('c', 'm')).toBe('closed');
  });

  it('opens again, for its whole time, when the probe fails', () => {
    openAndWait();
    admitted().ended('failed');
    expect(breakers.refusedForMs('c', 'm')).toBe(30_000);
  });

  it('takes the next probe when one shows nothing', () => {
    openAndWait();
    admitted().ended('neither');
    expect(breakers.state('c', 'm')).toBe('half_open');
    admitted().ended('succeeded');
    expect(breakers.state('c', 'm')).toBe('closed');
  });

  it('closes when the probe begins to answer, and opens again when that answer breaks off', () => {
    openAndWait();
    const probe = admitted();
    probe.began();
    expect(breakers.state('c', 'm')).toBe('closed');
    admitted().ended('neither');
    probe.ended('failed');
    expect(breakers.state('c', 'm')).toBe('open');
  });

  it('learns nothing from calls that were made before it opened', () => {
    const [good, bad] = [admitted(), admitted()];
    openAndWait();
    good.began();
    good.ended('succeeded');
    expect(breakers.state('c', 'm')).toBe('half_open');
    const probe = admitted();
    bad.ended('failed');
    expect(breakers.refusedForMs('c', 'm')).toBe(1000);
    probe.ended('succeeded');
    expect(breakers.state('c', 'm')).toBe('closed');
  });

  it('forgets the oldest when too many fail', () => {
    fail(3, 'oldest');
    for (let count = 0; count < 10_000; count++) fail(1, `model-${count}`);
    expect(breakers.state('c', 'oldest')).toBe('closed');
    fail(3, 'youngest');
    expect(breakers.state('c', 'youngest')).toBe('open');
  });
});

describe('an outage', () => {
  it.each<[ProviderErrorOptions['code'], Partial<ProviderErrorOptions>, boolean]>([
    ['overloaded', {}, true],
    ['timeout', {}, true],
    ['network', {}, true],
    ['invalid_response', {}, true],
    ['unknown', { status: 500, retryable: true }, true],
    ['unknown', {}, false],
    ['rate_limit', {}, false],
    ['authentication', {}, false],
    ['permission', {}, false],
    ['not_found', {}, false],
    ['invalid_request', {}, false],
    ['unsupported', {}, false],
    ['content_filter', {}, false],
    ['context_length', {}, false],
  ])('%s %j: %s', (code, more, expected) => {
    expect(isOutage(new ProviderError({ provider: 'demo', code, ...more }))).toBe(expected);
  });
});
