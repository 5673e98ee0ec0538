import type { Connection } from '../../contract/connection.js';
import type { OptionRules } from '../../contract/option-rules.js';
import type { OpenAiKind } from './openai-kind.js';
import { invalid } from './refusals.js';

const apis = ['responses', 'chat'] as const;
const summaries = ['auto', 'concise', 'detailed', 'none'] as const;

/** What `Connection.options` says to this adapter; absent means that the adapter decides, request by request. */
export interface OpenAiOptions {
  /** Which of OpenAI's two APIs to speak: see `apiFor`. */
  readonly api: (typeof apis)[number] | undefined;
  /**
   * Summaries of the reasoning: by default `auto` where an effort is asked for; otherwise this, wherever a model reasons. `none` for an
   * organisation that OpenAI has not verified, to which it refuses them.
   */
  readonly reasoningSummary: (typeof summaries)[number] | undefined;
  /** Of Azure, e.g. `2024-10-21`: the paths with the deployment in them. By default the v1 API, which needs none. */
  readonly apiVersion: string | undefined;
}

/** https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle */
const apiVersionForm = /^\d{4}-\d{2}-\d{2}(?:-preview)?$/;

const ofEvery: OptionRules = {
  api: (value) => apis.some((api) => api === value),
  reasoningSummary: (value) => summaries.some((summary) => summary === value),
};

/** The options of a kind, and what each may be. */
export function openAiOptionRules(kind: OpenAiKind): OptionRules {
  if (kind !== 'azure-openai') return ofEvery;
  return { ...ofEvery, apiVersion: (value) => typeof value === 'string' && apiVersionForm.test(value) };
}

/** @throws ProviderError invalid_request for a word that means nothing here */
export function openAiOptions({ options = {} }: Connection, kind: OpenAiKind): OpenAiOptions {
  const apiVersion = options['apiVersion'];
  return {
    api: oneOf(apis, 'api', options, kind),
    reasoningSummary: oneOf(summaries, 'reasoningSummary', options, kind),
    apiVersion: apiVersion === undefined ? undefined : String(apiVersion),
  };
}

function oneOf<Word extends string>(
  words: readonly Word[],
  name: string,
  options: NonNullable<Connection['options']>,
  kind: OpenAiKind,
): Word | undefined {
  const value = options[name];
  const word = words.find((known) => known === value);
  if (word === undefined && value !== undefined) throw invalid(kind, `connection.options.${name}`);
  return word;
}
