import type { ModelCapability, ModelInfo, TemperatureRange } from '../../contract/model-info.js';
import type { JsonObject } from '../../json-shape.js';
import type { OpenAiKind } from './openai-kind.js';

const freeTemperature: TemperatureRange = { min: 0, max: 2, step: 0.1, default: 1 };
const fixedTemperature: TemperatureRange = { min: 1, max: 1, step: 0.1, default: 1 };

interface Family {
  readonly ids: RegExp;
  readonly capabilities: readonly ModelCapability[];
  readonly temperature?: TemperatureRange;
}

/**
 * What OpenAI's list does not say: it mixes every kind of model and has ids only. The first family that fits counts.
 * https://platform.openai.com/docs/models and, for the fixed temperature,
 * https://platform.openai.com/docs/guides/reasoning (November 2026).
 */
const openAiFamilies: readonly Family[] = [
  { ids: /^text-embedding-/, capabilities: ['embeddings'] },
  {
    ids: /audio|realtime|transcribe|tts|whisper|image|dall-e|sora|moderation|instruct|babbage|davinci|search|deep-research|computer-use/,
    capabilities: [],
  },
  { ids: /^gpt-5(?:\.\d+)?-chat/, capabilities: ['chat', 'tools'], temperature: fixedTemperature },
  {
    ids: /^(?:o\d|gpt-[5-9]|codex-)/,
    capabilities: ['chat', 'reasoning', 'tools'],
    temperature: fixedTemperature,
  },
];

/** Azure's models have the names that the operator gave to their deployments: often, but not always, that of the model. */
function familyOf(id: string, kind: OpenAiKind): Family | undefined {
  if (kind === 'openai-compatible') return undefined;
  return openAiFamilies.find(
    ({ ids, capabilities }) => ids.test(id) && (kind === 'openai' || capabilities.length > 0),
  );
}

/** A model by its id alone. Of an unknown one we expect that it chats; the catalogue can say more (models.md). */
export function describeModel(id: string, kind: OpenAiKind): ModelInfo {
  const family = familyOf(id, kind);
  return {
    id,
    name: id,
    provider: kind,
    capabilities: family?.capabilities ?? ['chat', 'tools'],
    temperature: family?.temperature ?? freeTemperature,
  };
}

/** Where compatible servers add the length of the context: vLLM; OpenRouter; Groq. */
const contextFields = ['max_model_len', 'context_length', 'context_window'] as const;

/**
 * The models of a list that can chat or embed.
 * https://platform.openai.com/docs/api-reference/models/list
 * @throws UnexpectedShapeError
 */
export function toModelInfos(list: JsonObject, kind: OpenAiKind): readonly ModelInfo[] {
  return list
    .requiredObjects('data')
    .map((model) => toModelInfo(model, kind))
    .filter(({ capabilities }) => capabilities.length > 0);
}

function toModelInfo(model: JsonObject, kind: OpenAiKind): ModelInfo {
  const described = describeModel(model.requiredText('id'), kind);
  if (kind === 'openai') return described;
  const contextLength = contextFields.map((field) => model.count(field)).find(Boolean);
  return {
    ...described,
    name: model.text('name') ?? described.name,
    ...(contextLength === undefined ? {} : { contextLength }),
  };
}
