import type { JsonObject } from '../../json-shape.js';
import { isRecord } from '../../json-shape.js';
import { present } from '../../present.js';

/** What has to come back of a reasoning item beside its summary: https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items */
interface SignedReasoning {
  readonly id?: string;
  readonly encrypted_content: string;
}

/** The signature of a reasoning item that is done; undefined for one that cannot be given back, because nobody stored it. */
export function signatureOf(item: JsonObject): string | undefined {
  const encrypted_content = item.text('encrypted_content');
  if (encrypted_content === undefined) return undefined;
  return JSON.stringify(present({ id: item.text('id'), encrypted_content }));
}

/** What a signature says; undefined for that of another vendor. */
export function signedReasoning(signature: string): SignedReasoning | undefined {
  let value: unknown;
  try {
    value = JSON.parse(signature);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || typeof value['encrypted_content'] !== 'string') return undefined;
  const { id, encrypted_content } = value;
  return { ...(typeof id === 'string' ? { id } : {}), encrypted_content };
}
