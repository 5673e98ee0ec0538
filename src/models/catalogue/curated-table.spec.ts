import { describe, expect, it } from '@jest/globals';
import { describeModel as describeClaude } from '../../llm-providers/adapters/anthropic/anthropic-models.js';
import { modelCapabilities } from '../../llm-providers/contract/model-info.js';
import { providerKinds } from '../../llm-providers/contract/provider-kind.js';
import { curatedModel, curatedTable } from './curated-table.js';

const { asOf, sources, models } = curatedTable;
const dayMs = 86_400_000;
const staleAfterDays = 180;
const byId = models.map((model) => [model.id, model] as const);

/** Midnight of a day that exists. */
function midnight(day: string): number {
  expect(day).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  expect(new Date(day).toISOString()).toBe(`${day}T00:00:00.000Z`);
  return Date.parse(day);
}

describe('the curated table', () => {
  it('is dated, and not of the future', () => {
    const ageDays = (Date.now() - midnight(asOf)) / dayMs;
    expect(ageDays).toBeGreaterThanOrEqual(0);
    // Prices change whether we look or not: that is a reason to look, not to stop a build.
    if (ageDays > staleAfterDays) process.stderr.write(`curated-models.json is of ${asOf}: look again\n`);
  });

  it('knows every vendor of the three, to chat and, where they have them, to embed', () => {
    const has = (kind: string, capability: string) =>
      models.some(
        ({ kinds, capabilities }) => kinds.includes(kind) && capabilities?.some((it) => it === capability),
      );
    expect(
      ['openai', 'azure-openai', 'anthropic', 'google'].filter((kind) => has(kind, 'chat')),
    ).toHaveLength(4);
    expect(['openai', 'azure-openai', 'google'].filter((kind) => has(kind, 'embeddings'))).toHaveLength(3);
  });

  it('has each model once', () => {
    const keys = models.flatMap(({ kinds, id }) => kinds.map((kind) => `${kind} ${id}`));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('names each source once, and none that nothing comes from', () => {
    expect(new Set(sources).size).toBe(sources.length);
    expect(sources.filter((source) => !/^https:\/\/[^\s]+$/.test(source))).toEqual([]);
    const used = new Set(models.flatMap((model) => model.sources));
    expect(new Set(sources)).toEqual(used);
  });

  it.each(byId)('says of %s where it is from, and nothing impossible', (_id, model) => {
    expect(model.sources.length).toBeGreaterThan(0);
    expect(midnight(model.checked)).toBeLessThanOrEqual(midnight(asOf));
    expect(model.kinds.filter((kind) => !providerKinds.some((known) => known === kind))).toEqual([]);
    expect(model.name).not.toBe('');
    const { contextLength = 1, maxOutputTokens = 1, capabilities = [] } = model;
    for (const tokens of [contextLength, maxOutputTokens]) expect(isCount(tokens) && tokens > 0).toBe(true);
    if (model.contextLength !== undefined) expect(maxOutputTokens).toBeLessThanOrEqual(contextLength);
    expect(new Set(capabilities).size).toBe(capabilities.length);
    expect(capabilities.filter((capability) => !modelCapabilities.includes(capability))).toEqual([]);
  });

  it.each(byId)(
    'has prices of %s that are whole and in order, and a range that holds its default',
    (_id, model) => {
      const { pricing, temperature } = model;
      if (pricing !== undefined) {
        const { currency, input, output, cachedRead = 0, cachedWrite = input } = pricing;
        expect(currency).toBe('USD');
        expect([input, output, cachedRead, cachedWrite].filter((price) => !isCount(price))).toEqual([]);
        expect(cachedRead).toBeLessThanOrEqual(input);
        expect(cachedWrite).toBeGreaterThanOrEqual(input);
        // Dollars for a million tokens, in micro-dollars: one that is off by a million is not in this range.
        expect(input).toBeGreaterThanOrEqual(10_000);
        expect(output).toBeLessThanOrEqual(1_000_000_000);
      }
      if (temperature) {
        const { min, max, step, default: usual } = temperature;
        expect(0 <= min && min <= usual && usual <= max && min < max && step > 0).toBe(true);
      }
    },
  );

  it.each(byId.filter(([, { kinds }]) => kinds.includes('anthropic')))(
    'agrees with what requests to %s may say',
    (id, { temperature }) => {
      const { min, max } = describeClaude(id).temperature;
      expect(temperature === null).toBe(min === max);
    },
  );

  it('knows dated versions by the model that they are of, but no other model', () => {
    expect(curatedModel('anthropic', 'claude-opus-4-5-20251101')?.id).toBe('claude-opus-4-5');
    expect(curatedModel('openai', 'gpt-5-2025-08-07')?.id).toBe('gpt-5');
    expect(curatedModel('google', 'gemini-2.5-flash-001')?.id).toBe('gemini-2.5-flash');
    for (const id of ['gpt-5-audio', 'gpt-51', 'my-gpt-5', 'constructor']) {
      expect(curatedModel('openai', id)).toBeUndefined();
    }
  });

  it('is of the vendors themselves: whoever else lists the same id has prices of their own', () => {
    expect(curatedModel('azure-openai', 'gpt-4o')).toBeDefined();
    for (const kind of ['openai-compatible', 'ollama', 'anthropic', 'demo'] as const) {
      expect(curatedModel(kind, 'gpt-4o')).toBeUndefined();
    }
  });
});

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
