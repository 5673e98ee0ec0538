import type { ModelCapability, ModelInfo, TemperatureRange } from '../../contract/model-info.js';
import type { JsonObject } from '../../json-shape.js';

const kind = 'google';

/** What a model takes that others refuse. */
export interface ModelRules {
  /** How one says how much to think: `both` where we do not know. */
  readonly thinking: 'none' | 'budget' | 'level' | 'both';
  /** Whether it can be told to not think. */
  readonly thinkingOff: boolean;
  /** Whether calls of functions come back only with the signature of the thought behind them. */
  readonly signedCalls: boolean;
  /** Whether it fetches what a URL names. */
  readonly fetchesUrls: boolean;
}

/** Of a model that we do not know we expect everything: what it refuses, the vendor will say. */
const unknownModel: ModelRules = {
  thinking: 'both',
  thinkingOff: true,
  signedCalls: false,
  fetchesUrls: true,
};

/**
 * Thinking: https://ai.google.dev/gemini-api/docs/generate-content/thinking#levels-budgets;
 * signatures: https://ai.google.dev/gemini-api/docs/thought-signatures;
 * URLs: https://ai.google.dev/gemini-api/docs/file-input-methods#external-urls (November 2026).
 */
export function rulesOf(model: string): ModelRules {
  const generation = generationOf(model);
  if (generation === undefined) return unknownModel;
  if (generation >= 3) return { thinking: 'level', thinkingOff: false, signedCalls: true, fetchesUrls: true };
  if (generation < 2.5) {
    return { thinking: 'none', thinkingOff: true, signedCalls: false, fetchesUrls: false };
  }
  const thinkingOff = !model.startsWith('gemini-2.5-pro');
  return { thinking: 'budget', thinkingOff, signedCalls: false, fetchesUrls: true };
}

/** `gemini-2.5-flash` is of 2.5; the names that Google moves, such as `gemini-flash-latest`, are of 3 or later. */
function generationOf(model: string): number | undefined {
  const generation = /^gemini-(\d+(?:\.\d+)?)(?:-|$)/.exec(model)?.[1];
  if (generation !== undefined) return Number(generation);
  return /^gemini-.*latest$/.test(model) ? 3 : undefined;
}

/** Speech, pictures and the Live API: they say nothing that we could show. https://ai.google.dev/gemini-api/docs/models */
const speakers = /-(?:tts|image|live|native-audio|transcribe|computer-use)(?:-|$)/;

/** A model by its id alone. Of an unknown one we expect that it chats; the catalogue can say more (models.md). */
export function describeModel(id: string): ModelInfo {
  return {
    id,
    name: id,
    provider: kind,
    capabilities: capabilitiesOf(id),
    temperature: { min: 0, max: 2, step: 0.1, default: 1 },
  };
}

function capabilitiesOf(id: string): readonly ModelCapability[] {
  if (id.includes('embedding')) return ['embeddings'];
  if (speakers.test(id)) return [];
  // https://ai.google.dev/gemma/docs/core/gemma_on_gemini_api tells of text and, for some, images.
  if (id.startsWith('gemma')) return ['chat'];
  if (!id.startsWith('gemini')) return ['chat', 'tools'];
  const reasons = rulesOf(id).thinking !== 'none';
  return ['chat', ...(reasons ? (['reasoning'] as const) : []), 'tools', 'images', 'structured_output'];
}

/**
 * A model of the vendor's list: what the vendor says of it, and for the rest what we know.
 * https://ai.google.dev/api/models#Model
 * @throws UnexpectedShapeError
 */
export function toModelInfo(model: JsonObject): ModelInfo {
  const described = describeModel(model.requiredText('name').replace(/^models\//, ''));
  const contextLength = model.count('inputTokenLimit');
  const maxOutputTokens = model.count('outputTokenLimit');
  return {
    ...described,
    name: model.text('displayName') ?? described.name,
    capabilities: listedCapabilities(model, described.capabilities),
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    temperature: temperatureOf(model, described.temperature),
    told: [
      ...(model.texts('supportedGenerationMethods') === undefined ? [] : (['capabilities'] as const)),
      ...(model.number('maxTemperature') === undefined ? [] : (['temperature'] as const)),
    ],
  };
}

/** The list says which methods a model has, and whether it thinks; JSON of protocol buffers leaves out what is false. */
function listedCapabilities(
  model: JsonObject,
  described: readonly ModelCapability[],
): readonly ModelCapability[] {
  const methods = model.texts('supportedGenerationMethods');
  if (methods === undefined) return described;
  const chats = methods.includes('generateContent');
  const thinks = model.value('thinking') === true;
  const chat = described.filter(
    (capability) => capability !== 'embeddings' && (thinks || capability !== 'reasoning'),
  );
  return [
    ...(chats ? chat : []),
    ...(chats && thinks && chat.length > 0 && !chat.includes('reasoning') ? (['reasoning'] as const) : []),
    ...(methods.includes('embedContent') ? (['embeddings'] as const) : []),
  ];
}

function temperatureOf(model: JsonObject, described: TemperatureRange): TemperatureRange {
  return {
    ...described,
    default: model.number('temperature') ?? described.default,
    max: model.number('maxTemperature') ?? described.max,
  };
}
