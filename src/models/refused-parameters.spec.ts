import { describe, expect, it } from '@jest/globals';
import { localOutbound } from '../../test/support/local-outbound.js';
import { SystemClock } from '../common/clock.js';
import { AnthropicProvider } from '../llm-providers/adapters/anthropic/anthropic.provider.js';
import { DemoProvider } from '../llm-providers/adapters/demo/demo.provider.js';
import { GoogleProvider } from '../llm-providers/adapters/google/google.provider.js';
import { OllamaProvider } from '../llm-providers/adapters/ollama/ollama.provider.js';
import { OpenAiProvider } from '../llm-providers/adapters/openai/openai.provider.js';
import type { ModelProvider } from '../llm-providers/contract/model-provider.js';
import type { PresetParameters } from './model-route.js';
import { refusalOf } from './refused-parameters.js';

const clock = new SystemClock();
const openai = new OpenAiProvider('openai', clock, localOutbound);
const azure = new OpenAiProvider('azure-openai', clock, localOutbound);
const compatible = new OpenAiProvider('openai-compatible', clock, localOutbound);
const anthropic = new AnthropicProvider(clock, localOutbound);
const google = new GoogleProvider(clock, localOutbound);
const ollama = new OllamaProvider(clock, localOutbound);
const demo = new DemoProvider();

function refused(provider: ModelProvider, id: string, parameters: PresetParameters): string | undefined {
  const open = { apiKeyRequired: false, requiresLoading: false, roles: null, groups: null };
  const model = { ...provider.describeModel(id), ...open };
  const timeouts = { connectMs: 1, headersMs: 1, idleMs: 1 };
  const connection = {
    id: 'c',
    version: 1,
    kind: provider.kind,
    name: 'c',
    baseUrl: 'http://127.0.0.1',
    timeouts,
  };
  return refusalOf({ provider, connection, model }, parameters)?.param;
}

describe('what an alias fills in', () => {
  it.each<[string, ModelProvider, string, PresetParameters, string]>([
    ['openai', openai, 'gpt-4o', { topK: 5 }, 'topK'],
    ['azure', azure, 'gpt-4o', { topK: 5 }, 'topK'],
    ['compatible', compatible, 'llama', { topK: 5 }, 'topK'],
    ['anthropic', anthropic, 'claude-sonnet-4-5', { seed: 1 }, 'seed'],
    ['google', google, 'gemini-2.0-flash', { reasoning: { effort: 'high' } }, 'reasoning.effort'],
    ['ollama', ollama, 'llama', { reasoning: { budgetTokens: 5 } }, 'reasoning.budgetTokens'],
  ])('is refused by the adapter before anybody is asked: %s', (_name, provider, model, parameters, param) => {
    expect(refused(provider, model, parameters)).toBe(param);
  });

  it.each<[string, ModelProvider, string]>([
    ['openai', openai, 'gpt-4o'],
    ['azure', azure, 'gpt-4o'],
    ['compatible', compatible, 'llama'],
    ['anthropic', anthropic, 'claude-sonnet-4-5'],
    ['google', google, 'gemini-2.5-flash'],
    ['ollama', ollama, 'llama'],
    ['demo', demo, 'demo'],
  ])('is taken where the adapter can pass it on: %s', (_name, provider, model) => {
    expect(refused(provider, model, { temperature: 0.5, maxOutputTokens: 50 })).toBeUndefined();
    expect(refused(provider, model, {})).toBeUndefined();
  });
});
