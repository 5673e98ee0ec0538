import type { ReasoningPart } from '../../llm-providers/contract/generate-request.js';
import { isRecord } from '../../llm-providers/json-shape.js';
import type { RequestFields } from '../request-fields.js';

/** Items of our own making: a vendor that is told such an id knows nothing of it. */
const ownId = /^rs_[0-9a-f]{32}$/;

/** What comes back to the vendor beside the text: its signature as it is, whatever form it has. */
export function encryptedContent({
  signature,
  redacted,
}: {
  readonly signature: string | undefined;
  readonly redacted: string | undefined;
}): string | undefined {
  return redacted === undefined ? signature : JSON.stringify({ redacted });
}

/**
 * Reasoning that a program gives back. What OpenAI itself encrypted, in a conversation that was begun with it, is good here too.
 * @returns undefined for an item that says nothing: whoever did not ask for what is encrypted was given none
 */
export function toReasoningPart(item: RequestFields): ReasoningPart | undefined {
  const text = [...textsOf(item, 'summary'), ...textsOf(item, 'content')].join('\n\n');
  const encrypted = item.text('encrypted_content');
  const id = item.text('id');
  if (encrypted === undefined) return text === '' ? undefined : { type: 'reasoning', text };
  const own = parsed(encrypted);
  if (typeof own?.['redacted'] === 'string')
    return { type: 'reasoning', text: '', redacted: own['redacted'] };
  const isForeign = own === undefined && id !== undefined && !ownId.test(id);
  const signature = isForeign ? JSON.stringify({ id, encrypted_content: encrypted }) : encrypted;
  return { type: 'reasoning', text, signature };
}

function textsOf(item: RequestFields, name: string): readonly string[] {
  return (item.objects(name) ?? []).map((part) => {
    part.oneOf('type', ['summary_text', 'reasoning_text']);
    return part.requiredText('text');
  });
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
