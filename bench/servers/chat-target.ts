import type { MeasuredServer, StreamPiece, StreamRequest, StreamTarget } from './target.js';

/** A server that is asked in OpenAI's words. */
export interface ChatTarget extends StreamTarget {
  /** One request, by POST. */
  completion(content: string, stream: boolean): StreamRequest;
}

export interface ChatServer extends MeasuredServer {
  /** Of `/v1/chat/completions`. */
  readonly origin: string;
  readonly model: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function chatTarget({ origin, model, headers = {}, ...measured }: ChatServer): ChatTarget {
  const completion = (content: string, stream: boolean): StreamRequest => ({
    url: `${origin}/v1/chat/completions`,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content }] }),
  });
  return {
    ...measured,
    completion,
    prepareStreams: (count, said = () => 'Say something.') =>
      Promise.resolve(Array.from({ length: count }, (_, index) => completion(said(index), true))),
    readEvent: readChatCompletionEvent,
  };
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

function readChatCompletionEvent(event: string): StreamPiece {
  if (!event.startsWith('data: ')) return { type: 'failure', reason: 'an event without data' };
  const data = event.slice(6);
  if (data === '[DONE]') return { type: 'end' };
  const { choices } = JSON.parse(data) as Partial<Chunk>; // The upstream is ours, the errors are others'.
  if (choices === undefined) return { type: 'failure', reason: data };
  const text = choices[0]?.delta.content ?? '';
  return text === '' ? { type: 'other' } : { type: 'text', text };
}
