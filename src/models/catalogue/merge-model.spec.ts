import { describe, expect, it } from '@jest/globals';
import type { Connection } from '../../llm-providers/contract/connection.js';
import type { ModelInfo } from '../../llm-providers/contract/model-info.js';
import type { ModelProvider } from '../../llm-providers/contract/model-provider.js';
import type { OverriddenFields } from './catalogue-model.js';
import type { CuratedModel } from './curated-table.js';
import { mergeModel } from './merge-model.js';

const assumed = { min: 0, max: 2, step: 0.1, default: 1 };
const listed: ModelInfo = {
  id: 'm',
  name: 'm',
  provider: 'openai',
  capabilities: ['chat'],
  temperature: assumed,
};
const curated: Partial<CuratedModel> = {
  name: 'Curated',
  contextLength: 1000,
  maxOutputTokens: 100,
  capabilities: ['chat', 'tools'],
  temperature: { ...assumed, max: 1 },
  pricing: { currency: 'USD', input: 1, output: 2 },
};

interface Facts {
  readonly vendor?: Partial<ModelInfo>;
  readonly curated?: Partial<CuratedModel>;
  readonly override?: OverriddenFields;
  readonly connection?: Partial<Connection>;
  readonly provider?: Partial<ModelProvider>;
}

function merged({ vendor, curated: table = {}, override, connection, provider }: Facts) {
  // Of connection and provider, only what merging looks at.
  const found = { model: { ...listed, ...vendor }, connection: { ...connection }, provider: { ...provider } };
  return mergeModel(found as Parameters<typeof mergeModel>[0], override, table);
}

describe('a model of the catalogue', () => {
  it('is what the adapter expects, where nobody says anything', () => {
    const { model, hidden, overridden } = merged({});
    const open = { apiKeyRequired: false, requiresLoading: false, roles: null, groups: null };
    expect(model).toEqual({ ...listed, ...open });
    expect({ hidden, overridden }).toEqual({ hidden: false, overridden: [] });
  });

  it('has from the table what its vendor does not say', () => {
    expect(merged({ curated }).model).toMatchObject({ ...curated });
  });

  it('has from its vendor what the table says too', () => {
    const vendor: Partial<ModelInfo> = {
      name: 'Vendor',
      contextLength: 2000,
      maxOutputTokens: 200,
      capabilities: ['chat', 'images'],
      temperature: { ...assumed, max: 1.5 },
      told: ['capabilities', 'temperature'],
    };
    expect(merged({ vendor, curated }).model).toMatchObject({ ...vendor, pricing: curated.pricing });
  });

  it('takes its own temperature only, where the table says that it takes none', () => {
    expect(merged({ curated: { temperature: null } }).model.temperature).toMatchObject({ min: 1, max: 1 });
  });

  it.each([
    ['name', 'Ours'],
    ['contextLength', 3000],
    ['maxOutputTokens', 300],
    ['pricing', { currency: 'EUR', input: 5, output: 6 }],
    ['temperature', { min: 0.5, max: 0.6, step: 0.1, default: 0.5 }],
    ['capabilities', ['embeddings']],
    ['systemPrompt', 'Be brief.'],
    ['apiKeyRequired', true],
    ['requiresLoading', true],
    ['roles', ['guest']],
    ['groups', ['staff']],
  ] as const)('has the %s that an admin gives it, whoever says otherwise', (field, value) => {
    const vendor: Partial<ModelInfo> = {
      name: 'Vendor',
      contextLength: 2000,
      maxOutputTokens: 200,
      told: ['capabilities', 'temperature'],
    };
    const { model, overridden } = merged({ vendor, curated, override: { [field]: value } });
    expect(model[field]).toEqual(value);
    expect(overridden).toEqual([field]);
  });

  it('needs a personal key where its connection does, and whatever else an admin denies', () => {
    const override = { apiKeyRequired: false, requiresLoading: false, hidden: true };
    const load = () => undefined as never;
    const found = merged({ override, connection: { personalKeys: 'required' }, provider: { load } });
    expect(found.model).toMatchObject({ apiKeyRequired: true, requiresLoading: false });
    expect(found.hidden).toBe(true);
  });

  it('needs a personal key where its connection does, and loading where its vendor can load', () => {
    const load = () => undefined as never;
    const { model } = merged({ connection: { personalKeys: 'required' }, provider: { load } });
    expect(model).toMatchObject({ apiKeyRequired: true, requiresLoading: true });
    expect(merged({ connection: { personalKeys: 'allowed' } }).model.apiKeyRequired).toBe(false);
  });
});
