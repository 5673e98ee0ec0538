import { isRecord } from './json-shape.js';

/** Where the vendors whose words are passed on put what a model says, thinks, or writes to a tool. */
const spokenFields: ReadonlySet<string> = new Set([
  'content',
  'refusal',
  'reasoning',
  'reasoning_content',
  'text',
  'thinking',
  'arguments',
  'partial_json',
]);

/** All that a model says in an answer, or a piece of one, of no particular vendor: to weigh it, not to show it. */
export function spokenIn(value: unknown): string {
  if (Array.isArray(value)) return value.map(spokenIn).join('');
  if (!isRecord(value)) return '';
  return Object.entries(value)
    .map(([field, inner]) => (typeof inner === 'string' && spokenFields.has(field) ? inner : spokenIn(inner)))
    .join('');
}
