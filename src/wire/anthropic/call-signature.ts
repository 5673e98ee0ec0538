/**
 * Google signs the thought behind a call of a tool, and wants the signature back with the call. A call has no place for it in Anthropic's
 * words, but thinking has, and programs return it, unread, before the calls that it led to: so such a call is preceded by thinking of no
 * text with a signature that says what it is.
 */
const mark = 'parley.tool_call.';

export function toThinkingSignature(callSignature: string): string {
  return mark + callSignature;
}

/** Undefined for a signature that is of thinking. */
export function callSignatureOf(thinkingSignature: string): string | undefined {
  return thinkingSignature.startsWith(mark) ? thinkingSignature.slice(mark.length) : undefined;
}
