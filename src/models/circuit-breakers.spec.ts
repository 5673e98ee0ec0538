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
  const passage = breakers.admit('c', model, 'ada');
  if (passage === undefined) throw new Error('refused');
  return passage;
}

function fail(times: number, model = 'm'): void {
  for (let count = 0; count < times; count++) admitted(model).ended('failed');
}

/** Each of them meets a failure, in this order. */
function failBy(...users: readonly string[]): void {
  for (const user of users) breakers.admit('c', 'm', user)?.ended('failed');
}

function openAndWait(): void {
  fail(3);
  clock.ms += 30_000;
}

describe('a circuit breaker', () => {
  it('opens after its number of failures in a row, for its time', () => {
    fail(2);
    expect(breakers.state('c', 'm', 'ada')).toBe('closed');
    fail(1);
    expect(breakers.state('c', 'm', 'ada')).toBe('open');
    expect(breakers.admit('c', 'm', 'ada')).toBeUndefined();
    clock.ms += 29_999;
    expect(breakers.refusedForMs('c', 'm', 'ada')).toBe(1);
    clock.ms += 1;
    expect(breakers.state('c', 'm', 'ada')).toBe('half_open');
    expect(breakers.refusedForMs('c', 'm', 'ada')).toBeUndefined();
  });

  it('counts failures from the last success', () => {
    fail(2);
    admitted().ended('succeeded');
    fail(2);
    expect(breakers.state('c', 'm', 'ada')).toBe('closed');
  });

  it('counts calls that show nothing neither way', () => {
    fail(2);
    admitted().ended('neither');
    expect(breakers.state('c', 'm', 'ada')).toBe('closed');
    fail(1);
    expect(breakers.state('c', 'm', 'ada')).toBe('open');
  });

  it('is of one connection and model alone', () => {
    fail(3);
    expect(breakers.state('c', 'other', 'ada')).toBe('closed');
    expect(breakers.state('d', 'm', 'ada')).toBe('closed');
  });

  it('that one person has opened is closed to everybody else', () => {
    fail(3);
    clock.ms += 30_000;
    fail(1);
    expect(breakers.state('c', 'm', 'ada')).toBe('open');
    expect(breakers.state('c', 'm', 'bob')).toBe('closed');
    expect(breakers.refusedForMs('c', 'm', 'bob')).toBeUndefined();
    expect(breakers.openOn('c')).toBe(false);
  });

  it('opens for everybody after as many turns of different people, and is seen on the connection', () => {
    failBy('ada', 'ada', 'bob', 'bob');
    expect(breakers.state('c', 'm', 'eve')).toBe('closed');
    failBy('ada');
    expect(breakers.state('c', 'm', 'eve')).toBe('open');
    expect(breakers.admit('c', 'm', 'eve')).toBeUndefined();
    expect(breakers.openOn('c')).toBe(true);
    expect(breakers.openOn('d')).toBe(false);
    clock.ms += 30_000;
    expect(breakers.openOn('c')).toBe(false);
    expect(breakers.state('c', 'm', 'eve')).toBe('half_open');
    expect(breakers.admit('c', 'm', 'eve')).toBeDefined();
    expect(breakers.admit('c', 'm', 'bob')).toBeUndefined();
  });

  it('is opened again by a probe that fails, whoever failed before', () => {
    failBy('ada', 'bob', 'ada');
    clock.ms += 30_000;
    failBy('ada');
    expect(breakers.state('c', 'm', 'eve')).toBe('open');
  });

  it('closes for everybody when anybody is answered', () => {
    failBy('ada', 'bob');
    breakers.admit('c', 'm', 'eve')?.ended('succeeded');
    failBy('ada', 'bob');
    expect(breakers.state('c', 'm', 'eve')).toBe('closed');
  });

  it('of a personal key counts for its owner by itself, and for everybody with those of others', () => {
    for (const user of ['ada', 'bob', 'ada']) breakers.admit(`c key ${user}`, 'm', user)?.ended('failed');
    expect(breakers.state('c', 'm', 'eve')).toBe('open');
    expect(breakers.openOn('c')).toBe(true);
    for (let count = 0; count < 3; count++) breakers.admit('d key 1', 'm', 'ada')?.ended('failed');
    expect(breakers.state('d key 1', 'm', 'ada')).toBe('open');
    expect(breakers.state('d', 'm', 'ada')).toBe('closed');
    expect(breakers.openOn('d')).toBe(false);
  });

  it('lets one probe through when half-open, and nobody else until that has ended', () => {
    openAndWait();
    const probe = admitted();
    expect(breakers.admit('c', 'm', 'ada')).toBeUndefined();
    expect(breakers.refusedForMs('c', 'm', 'ada')).toBe(1000);
    probe.ended('succeeded');
    expect(breakers.state('c', 'm', 'ada')).toBe('closed');
    fail(2);
    expect(breakers.state('c', 'm', 'ada')).toBe('closed');
  });

  it('opens again, for its whole time, when the probe fails', () => {
    openAndWait();
    admitted().ended('failed');
    expect(breakers.refusedForMs('c', 'm', 'ada')).toBe(30_000);
  });

  it('takes the next probe when one shows nothing', () => {
    openAndWait();
    admitted().ended('neither');
    expect(breakers.state('c', 'm', 'ada')).toBe('half_open');
    admitted().ended('succeeded');
    expect(breakers.state('c', 'm', 'ada')).toBe('closed');
  });

  it('closes when the probe begins to answer, and opens again when that answer breaks off', () => {
    openAndWait();
    const probe = admitted();
    probe.began();
    expect(breakers.state('c', 'm', 'ada')).toBe('closed');
    admitted().ended('neither');
    probe.ended('failed');
    expect(breakers.state('c', 'm', 'ada')).toBe('open');
  });

  it('learns nothing from calls that were made before it opened', () => {
    const [good, bad] = [admitted(), admitted()];
    openAndWait();
    good.began();
    good.ended('succeeded');
    expect(breakers.state('c', 'm', 'ada')).toBe('half_open');
    const probe = admitted();
    bad.ended('failed');
    expect(breakers.refusedForMs('c', 'm', 'ada')).toBe(1000);
    probe.ended('succeeded');
    expect(breakers.state('c', 'm', 'ada')).toBe('closed');
  });

  it('forgets the oldest when too many fail', () => {
    fail(3, 'oldest');
    for (let count = 0; count < 10_000; count++) fail(1, `model-${count}`);
    expect(breakers.state('c', 'oldest', 'ada')).toBe('closed');
    fail(3, 'youngest');
    expect(breakers.state('c', 'youngest', 'ada')).toBe('open');
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
