import type { Connection } from '../../contract/connection.js';
import type { OptionRules } from '../../contract/option-rules.js';

/** What `Connection.options` says to this adapter, in Ollama's own words. */
export interface OllamaOptions {
  /** How long a model stays in memory after a request, e.g. `5m`, 300 or -1: https://docs.ollama.com/faq */
  readonly keep_alive: unknown;
  /** The context that models are loaded with, in tokens: https://docs.ollama.com/context-length */
  readonly num_ctx: unknown;
  /** Leave messages out of a conversation, and ends of texts out of embeddings, that are too long. */
  readonly truncate: unknown;
  /** Forget the beginning of the conversation while an answer outgrows the context. */
  readonly shift: unknown;
  /** Whether `load` may download a model that is not there. */
  readonly pull: boolean;
}

/** As Go parses durations (https://pkg.go.dev/time#ParseDuration), which Ollama does; a number is seconds. */
const duration = /^-?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

/** What each of them may be. */
export const ollamaOptionRules: OptionRules = {
  keep_alive: (value) => typeof value === 'number' || (typeof value === 'string' && duration.test(value)),
  num_ctx: (value) => Number.isSafeInteger(value) && Number(value) > 0,
  truncate: isBoolean,
  shift: isBoolean,
  pull: isBoolean,
};

/**
 * Ollama by default shortens what is too long and says nothing (https://github.com/ollama/ollama/pull/17944), so that a model forgets and
 * nobody knows why. Unless the operator wants that, it shall refuse.
 */
export function ollamaOptions({ options = {} }: Connection): OllamaOptions {
  return {
    keep_alive: options['keep_alive'],
    num_ctx: options['num_ctx'],
    truncate: options['truncate'] ?? false,
    shift: options['shift'] ?? false,
    pull: options['pull'] === true,
  };
}
