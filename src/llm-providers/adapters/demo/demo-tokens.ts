import type { GenerateMessage, GenerateRequest } from '../../contract/generate-request.js';
import { textOf } from '../../contract/text-of.js';

/** The demo's tokens: a word with the white space after it. Joined, they are the text again. */
export function demoTokens(text: string): readonly string[] {
  return text.match(/\s*\S+\s*|\s+/gu) ?? [];
}

export function countInputTokens({ systemPrompt = '', messages }: GenerateRequest): number {
  const texts = messages.flatMap(({ parts }) => parts.map(wordsOf));
  return [textOf(systemPrompt), ...texts].reduce((sum, text) => sum + demoTokens(text).length, 0);
}

/** The demo does not look at images, so they cost it nothing. */
function wordsOf(part: GenerateMessage['parts'][number]): string {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return part.text;
    case 'image':
      return '';
    case 'tool-call':
      return part.input;
    case 'tool-result':
      return textOf(part.output);
  }
}
