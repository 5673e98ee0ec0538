import type { GenerateRequest } from '../../contract/generate-request.js';

/** The demo's tokens: a word with the white space after it. Joined, they are the text again. */
export function demoTokens(text: string): readonly string[] {
  return text.match(/\s*\S+\s*|\s+/gu) ?? [];
}

export function countInputTokens({ systemPrompt = '', messages }: GenerateRequest): number {
  const texts = messages.flatMap(({ parts }) =>
    parts.map((part) => {
      switch (part.type) {
        case 'text':
        case 'reasoning':
          return part.text;
        case 'tool-call':
          return part.input;
        case 'tool-result':
          return part.output;
      }
    }),
  );
  return [systemPrompt, ...texts].reduce((sum, text) => sum + demoTokens(text).length, 0);
}
