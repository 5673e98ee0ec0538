import type { ModelCapability, ModelInfo, TemperatureRange } from '../../contract/model-info.js';
import type { JsonObject } from '../../json-shape.js';

const kind = 'anthropic';

/** What a model takes that others refuse. */
export interface ModelRules {
  /** The word that makes it not think up front; undefined when it always thinks. */
  readonly thinkingOff: 'disabled' | 'between_tools' | undefined;
  /** Whether it decides by itself how much to think. */
  readonly adaptiveThinking: boolean;
  /** Whether it takes a number of tokens to think in. */
  readonly thinkingBudget: boolean;
  readonly effort: boolean;
  /** Whether temperature, top_p and top_k may be other than the default. */
  readonly sampling: boolean;
  /** Whether it can be made to call a tool. */
  readonly forcedTools: boolean;
}

interface Family extends ModelRules {
  readonly maxOutputTokens: number;
}

const fable51: Family = {
  maxOutputTokens: 128_000,
  thinkingOff: undefined,
  adaptiveThinking: true,
  thinkingBudget: false,
  effort: true,
  sampling: false,
  forcedTools: false,
};
const fable5: Family = { ...fable51, forcedTools: true };
const opus5: Family = { ...fable5, thinkingOff: 'disabled' };
const opus46: Family = { ...opus5, thinkingBudget: true, sampling: true };
const opus45: Family = {
  ...opus46,
  maxOutputTokens: 64_000,
  adaptiveThinking: false,
};
const sonnet45: Family = { ...opus45, effort: false };

/**
 * The current models, as of November 2026: https://platform.claude.com/docs/en/models/overview, with the page of each model;
 * thinking: https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting#supported-models;
 * forced tools and sampling: the migration guides, such as https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide.
 */
const families: ReadonlyMap<string, Family> = new Map([
  ['fable-5-2', fable51],
  ['mythos-5-2', fable51],
  ['fable-5-1', fable51],
  ['mythos-5-1', fable51],
  ['opus-5-5', fable51],
  ['sonnet-5-5', { ...fable51, thinkingOff: 'between_tools' }],
  ['haiku-5-5', opus5],
  ['fable-5', fable5],
  ['mythos-5', fable5],
  ['opus-5', opus5],
  ['sonnet-5', opus5],
  ['opus-4-8', opus5],
  ['opus-4-7', opus5],
  ['opus-4-6', opus46],
  ['sonnet-4-6', opus46],
  ['opus-4-5', opus45],
  ['sonnet-4-5', sonnet45],
  ['haiku-4-5', sonnet45],
]);

/** Of a model that we do not know we expect everything: what it refuses, the vendor will say. */
const unknownModel: ModelRules = {
  thinkingOff: 'disabled',
  adaptiveThinking: true,
  thinkingBudget: true,
  effort: true,
  sampling: true,
  forcedTools: true,
};

/** No Claude 4 model has less: https://platform.claude.com/docs/en/about-claude/model-deprecations */
const unknownMaxOutputTokens = 32_000;

const freeTemperature: TemperatureRange = { min: 0, max: 1, step: 0.1, default: 1 };
const fixedTemperature: TemperatureRange = { min: 1, max: 1, step: 0.1, default: 1 };

const everything: readonly ModelCapability[] = ['chat', 'reasoning', 'tools', 'images', 'structured_output'];

/** `claude-opus-4-5` or its snapshot, `claude-opus-4-5-20251101`. */
function familyOf(model: string): Family | undefined {
  const name = /^claude-([a-z]+-\d(?:-\d)?)(?:-\d{8})?$/.exec(model)?.[1];
  return name === undefined ? undefined : families.get(name);
}

export function rulesOf(model: string): ModelRules {
  return familyOf(model) ?? unknownModel;
}

/** The most that may be asked of a model, or what any takes. The API wants a number with every request. */
export function maxOutputTokensOf(model: string): number {
  return familyOf(model)?.maxOutputTokens ?? unknownMaxOutputTokens;
}

/** A model by its id alone. */
export function describeModel(id: string): ModelInfo {
  const family = familyOf(id);
  if (family === undefined) {
    return { ...named(id), capabilities: ['chat', 'tools', 'images'], temperature: freeTemperature };
  }
  const { maxOutputTokens, sampling } = family;
  return {
    ...named(id),
    capabilities: everything,
    maxOutputTokens,
    temperature: sampling ? freeTemperature : fixedTemperature,
  };
}

function named(id: string): Pick<ModelInfo, 'id' | 'name' | 'provider'> {
  return { id, name: id, provider: kind };
}

/**
 * A model of the vendor's list: what the vendor says of it, and for the rest what we know.
 * https://platform.claude.com/docs/en/api/models/list
 * @throws UnexpectedShapeError
 */
export function toModelInfo(model: JsonObject): ModelInfo {
  const described = describeModel(model.requiredText('id'));
  const contextLength = model.count('max_input_tokens');
  const capabilities = capabilitiesOf(model);
  const maxOutputTokens = model.count('max_tokens') ?? described.maxOutputTokens;
  return {
    ...described,
    name: model.text('display_name') ?? described.name,
    ...(capabilities === undefined ? {} : { capabilities, told: ['capabilities'] }),
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
  };
}

/** Every model chats and calls tools, so the vendor does not list that. */
function capabilitiesOf(model: JsonObject): readonly ModelCapability[] | undefined {
  const told = model.object('capabilities');
  if (told === undefined) return undefined;
  const supports = (capability: string): boolean => told.object(capability)?.value('supported') === true;
  return [
    'chat',
    ...(supports('thinking') ? (['reasoning'] as const) : []),
    'tools',
    ...(supports('image_input') ? (['images'] as const) : []),
    ...(supports('structured_outputs') ? (['structured_output'] as const) : []),
  ];
}
