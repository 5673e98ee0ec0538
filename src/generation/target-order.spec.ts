import { beforeEach, describe, expect, it } from '@jest/globals';
import { StillClock } from '../../test/support/still-clock.js';
import type { ModelRoute } from '../models/model-route.js';
import { ScriptedModels, SeededRandom } from './__fixtures__/scripted-models.js';
import { TargetOrder } from './target-order.js';

const models = new ScriptedModels();
const [a, b, c] = [models.target('a'), models.target('b'), models.target('c')];
let clock: StillClock;
let order: TargetOrder;

beforeEach(() => {
  clock = new StillClock();
  order = new TargetOrder(clock, new SeededRandom(7));
});

function namesOf(route: ModelRoute): string {
  return order
    .of(route)
    .map(({ model }) => model.id)
    .join('');
}

describe('the order of targets', () => {
  const route = models.route([a, b, c], { cooldownMs: 60_000 });

  it('is that of the router', () => {
    expect(namesOf(route)).toBe('abc');
  });

  it('has those that cool down last, the one that may be asked soonest first', () => {
    order.failed(b);
    clock.ms += 1000;
    order.failed(a);
    expect(namesOf(route)).toBe('cba');
    order.failed(c, 300_000);
    expect(namesOf(route)).toBe('bac');
  });

  it('is as it was after the cooldown', () => {
    order.failed(a);
    clock.ms += 59_999;
    expect(namesOf(route)).toBe('bca');
    clock.ms += 1;
    expect(namesOf(route)).toBe('abc');
  });

  it('is as it was after an answer', () => {
    order.failed(a);
    order.answered(a);
    expect(namesOf(route)).toBe('abc');
  });

  it('takes a Retry-After longer than the cooldown', () => {
    order.failed(a, 120_000);
    clock.ms += 119_999;
    expect(namesOf(route)).toBe('bca');
    clock.ms += 1;
    expect(namesOf(route)).toBe('abc');
  });

  it('applies to each router its own cooldown', () => {
    order.failed(a);
    expect(namesOf(models.route([a, b, c], { cooldownMs: 0 }))).toBe('abc');
  });

  it('knows a model of another connection apart', () => {
    order.failed(a);
    const elsewhere = models.target('a', { connection: { ...a.connection, id: 'other' } });
    expect(order.of(models.route([a, elsewhere], { cooldownMs: 60_000 }))[0]).toBe(elsewhere);
  });

  it('forgets the oldest failure when there are too many', () => {
    order.failed(a);
    order.failed(b);
    order.failed(a);
    for (let count = 0; count < 9_999; count++) order.failed(models.target(`model-${count}`));
    expect(namesOf(route)).toBe('bca');
    order.failed(models.target('one-more'));
    expect(namesOf(route)).toBe('abc');
  });
});

describe('a draw by weight', () => {
  const weighted = models.route(
    [models.target('a', { weight: 6 }), models.target('b', { weight: 3 }), models.target('c', { weight: 1 })],
    { strategy: 'weighted', cooldownMs: 60_000 },
  );

  it('gives each place by share of the weights left', () => {
    const draws = Array.from({ length: 10_000 }, () => namesOf(weighted));
    const share = (test: (draw: string) => boolean): number => draws.filter(test).length / draws.length;
    expect(share((draw) => draw.startsWith('a'))).toBeCloseTo(0.6, 1);
    expect(share((draw) => draw.startsWith('b'))).toBeCloseTo(0.3, 1);
    expect(share((draw) => draw.startsWith('c'))).toBeCloseTo(0.1, 1);
    // After a: b has 3 of the 4 that are left.
    expect(share((draw) => draw === 'abc') / share((draw) => draw.startsWith('a'))).toBeCloseTo(0.75, 1);
    expect(new Set(draws)).toEqual(new Set(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']));
  });

  it('is repeatable', () => {
    const again = new TargetOrder(clock, new SeededRandom(7));
    expect(Array.from({ length: 20 }, () => again.of(weighted)[0])).toEqual(
      Array.from({ length: 20 }, () => order.of(weighted)[0]),
    );
  });

  it('leaves the order of what has no weight as it is', () => {
    const weights = { a: 1, b: 0, c: 0, d: 0 };
    const targets = Object.entries(weights).map(([model, weight]) => models.target(model, { weight }));
    expect(namesOf(models.route(targets, { strategy: 'weighted' }))).toBe('abcd');
  });

  it('draws what has no weight last, and what cools down after that', () => {
    const [heavy, none] = [models.target('a'), models.target('b', { weight: 0 })];
    const route = models.route([none, heavy], { strategy: 'weighted', cooldownMs: 60_000 });
    expect(namesOf(route)).toBe('ab');
    order.failed(heavy);
    expect(namesOf(route)).toBe('ba');
  });
});
