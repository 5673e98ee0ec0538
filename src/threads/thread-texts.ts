/** What a thread is called that nobody has named. */
export const untitled = 'New thread';

const previewLength = 200;

/** The first characters of a text, never half of a surrogate pair. */
export function previewOf(text: string): string {
  return Array.from(text.slice(0, previewLength * 2))
    .slice(0, previewLength)
    .join('');
}
