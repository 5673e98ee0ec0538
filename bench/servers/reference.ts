import type { ServerProcess } from './server-process.js';
import type { StreamPiece, StreamRequest, Target } from './target.js';

/** A reference program as a target: it forwards the upstream's own protocol. */
export function referenceTarget(
  name: 'floor' | 'bare Nest',
  {
    server,
    origin,
    model,
  }: { readonly server: ServerProcess; readonly origin: string; readonly model: string },
): Target {
  const stream = (content: string): StreamRequest => ({
    url: `${origin}/v1/chat/completions`,
    headers: {},
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content }] }),
  });
  return {
    name,
    server,
    prepareStreams: (count, said = () => 'Say something.') =>
      Promise.resolve(Array.from({ length: count }, (_, index) => stream(said(index)))),
    readEvent: readChatCompletionEvent,
    read: (name) => ({ url: `${origin}/${name}`, headers: {} }),
    helperCpuMs: () => Promise.resolve(0),
  };
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

function readChatCompletionEvent(event: string): StreamPiece {
  if (!event.startsWith('data: ')) return { type: 'failure', reason: 'an event without data' };
  const data = event.slice(6);
  if (data === '[DONE]') return { type: 'end' };
  const { choices } = JSON.parse(data) as Chunk; // The upstream is ours.
  const text = choices[0]?.delta.content ?? '';
  return text === '' ? { type: 'other' } : { type: 'text', text };
}
