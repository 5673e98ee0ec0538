import type { ModelInfo, TemperatureRange } from '../../contract/model-info.js';
import type { JsonObject } from '../../json-shape.js';
import { listedModels } from '../../listed-models.js';
import type { OpenAiKind } from './openai-kind.js';

const freeTemperature: TemperatureRange = { min: 0, max: 2, step: 0.1, default: 1 };
const fixedTemperature: TemperatureRange = { min: 1, max: 1, step: 0.1, default: 1 };

/**
 * What requests and lists have to know of any model of OpenAI, also of one that nobody curated: whether it answers at all, and whether it
 * reasons. The list of OpenAI mixes every kind of model and has ids only; the catalogue can say more (models.md). The first that fits
 * counts. https://platform.openai.com/docs/models (November 2026)
 */
const openAiFamilies: readonly (readonly [ids: RegExp, ModelInfo['capabilities']])[] = [
  [/^text-embedding-/, ['embeddings']],
  [
    /audio|realtime|transcribe|tts|whisper|image|dall-e|sora|moderation|instruct|babbage|davinci|search|deep-research|computer-use/,
    [],
  ],
  [/^gpt-5(?:\.\d+)?-chat/, ['chat', 'tools']],
  [/^(?:o\d|gpt-[5-9]|codex-)/, ['chat', 'reasoning', 'tools']],
];

/** Azure's models have the names that the operator gave to their deployments: often, but not always, that of the model. */
function capabilitiesOf(id: string, kind: OpenAiKind): ModelInfo['capabilities'] | undefined {
  if (kind === 'openai-compatible') return undefined;
  const family = openAiFamilies.find(
    ([ids, capabilities]) => ids.test(id) && (kind === 'openai' || capabilities.length > 0),
  );
  return family?.[1];
}

/**
 * A model by its id alone. Of an unknown one we expect that it chats, and of one that reasons, that it takes no other temperature than
 * its own: https://platform.openai.com/docs/guides/reasoning.
 */
export function describeModel(id: string, kind: OpenAiKind): ModelInfo {
  const capabilities = capabilitiesOf(id, kind) ?? ['chat', 'tools'];
  const temperature = capabilities.includes('reasoning') ? fixedTemperature : freeTemperature;
  return { id, name: id, provider: kind, capabilities, temperature };
}

/** Where compatible servers add the length of the context: vLLM; OpenRouter; Groq. */
const contextFields = ['max_model_len', 'context_length', 'context_window'] as const;

/**
 * The models of a list that can chat or embed.
 * https://platform.openai.com/docs/api-reference/models/list
 * @throws UnexpectedShapeError
 */
export function toModelInfos(list: JsonObject, kind: OpenAiKind): readonly ModelInfo[] {
  return listedModels(list.requiredList('data'), (model) => toModelInfo(model, kind));
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
