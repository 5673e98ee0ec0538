import type { AssistantPart, UserPart } from './generate-request.js';

/** The text of a content, without reasoning, images and tool calls. */
export function textOf(content: string | readonly (AssistantPart | UserPart)[]): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
