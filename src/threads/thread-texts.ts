import { firstCharacters } from '../common/first-characters.js';

/** What a thread is called that nobody has named. */
export const untitled = 'New thread';

const previewLength = 200;

/** The first characters of a text. */
export function previewOf(text: string): string {
  return firstCharacters(text, previewLength);
}
