import { models } from './call-plan.js';
import type { Counted } from './call-script.js';

/** Micro-units of a currency for a million tokens. */
export interface Price {
  readonly currency: string;
  readonly input: number;
  readonly output: number;
  readonly cachedRead?: number;
  readonly cachedWrite?: number;
}

const million = 1_000_000;

/** Each model has another price: some of them none, some one of another currency, some one for what is cached. */
const prices = new Map(
  [...models.compatible, ...models.claude].flatMap((model, index): [string, Price][] => {
    if (index % 5 === 4) return [];
    const input = 300_007 + index * 10_001;
    const cached = index % 2 === 0 ? {} : { cachedRead: 30_011 + index, cachedWrite: 500_009 + index };
    return [[model, { currency: index % 5 === 3 ? 'EUR' : 'USD', input, output: 4 * input, ...cached }]];
  }),
);

export function priceOf(model: string): Price | undefined {
  return prices.get(model);
}

/** Rounded up to whole micro-units (docs/usage.md). */
export function costMicros(counted: Counted, { input, output, cachedRead, cachedWrite }: Price): number {
  const { cached, cacheWrite } = counted;
  const product =
    (counted.input - cached - cacheWrite) * input +
    cached * (cachedRead ?? input) +
    cacheWrite * (cachedWrite ?? input) +
    counted.output * output;
  return Math.ceil(product / million);
}
