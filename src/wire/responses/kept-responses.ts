import type { FoundResponse } from '../../responses/stored-responses.service.js';
import { DomainError } from '../../common/domain-error.js';
import { isRecord } from '../../llm-providers/json-shape.js';
import { invalid, unsupported } from '../request-fields.js';
import { failedBy } from './response-words.js';

type QueryFields = Readonly<Record<string, unknown>>;

/** Whoever made it is gone. */
const interrupted = failedBy(new DomainError('GENERATION_INTERRUPTED'));

/**
 * A response that was kept, as it was told.
 * @throws DomainError UNSUPPORTED_PARAMETER, VALIDATION_FAILED
 */
export function toShownResponse(found: FoundResponse, query: QueryFields): object {
  if (![undefined, 'false'].includes(textOf(query, 'stream'))) throw unsupported('stream');
  for (const name of Object.keys(query)) {
    // What evens out the length of the events of a stream.
    if (!['stream', 'include', 'include[]', 'include_obfuscation'].includes(name)) throw unsupported(name);
  }
  const showsEncrypted = includes(query).has('reasoning.encrypted_content');
  const output = found.output.map((item) => (showsEncrypted ? item : withoutEncrypted(item)));
  return { ...found.response, ...standing(found), output };
}

/** Whoever cancelled it, or found its maker dead, wrote down no more than that. */
function standing({ status, response }: FoundResponse): object {
  const { status: told } = response as { readonly status?: unknown };
  if (status === told) return {};
  return status === 'failed' ? interrupted : { status };
}

function withoutEncrypted(item: object): object {
  const { encrypted_content: _hidden, ...rest } = item as { readonly encrypted_content?: unknown };
  return isRecord(item) && item['type'] === 'reasoning' ? rest : item;
}

const pageSizes = { minimum: 1, usual: 20, maximum: 100 } as const;

/**
 * The items that a response was asked with: https://platform.openai.com/docs/api-reference/responses/input-items. Those of the conversation
 * before are in the responses before.
 * @throws DomainError VALIDATION_FAILED
 */
export function listItems({ input }: FoundResponse, query: QueryFields): object {
  includes(query);
  const order = textOf(query, 'order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') throw invalid('order', 'asc or desc');
  const items = order === 'asc' ? [...input] : input.toReversed();
  const after = textOf(query, 'after');
  const from = after === undefined ? 0 : items.findIndex((item) => idOf(item) === after) + 1;
  if (after !== undefined && from === 0) throw invalid('after', 'the id of one of the items');
  const limit = limitOf(query);
  const data = items.slice(from, from + limit);
  return {
    ...{ object: 'list', data },
    ...{ first_id: idOf(data.at(0)), last_id: idOf(data.at(-1)), has_more: items.length > from + limit },
  };
}

function limitOf(query: QueryFields): number {
  const { minimum, usual, maximum } = pageSizes;
  const limit = Number(textOf(query, 'limit') ?? usual);
  if (Number.isInteger(limit) && limit >= minimum && limit <= maximum) return limit;
  throw invalid('limit', `an integer of at least ${minimum} and at most ${maximum}`);
}

function idOf(item: object | undefined): string | null {
  return isRecord(item) && typeof item['id'] === 'string' ? item['id'] : null;
}

function includes(query: QueryFields): ReadonlySet<unknown> {
  return new Set([query['include'], query['include[]']].flat());
}

function textOf(query: QueryFields, name: string): string | undefined {
  const value = query[name];
  if (value !== undefined && typeof value !== 'string') throw invalid(name, 'there once');
  return value;
}
