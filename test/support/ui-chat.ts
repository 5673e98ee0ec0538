import {
  AbstractChat,
  DefaultChatTransport,
  parseJsonEventStream,
  uiMessageChunkSchema,
  type ChatInit,
  type ChatState,
  type ChatStatus,
  type UIMessage,
  type UIMessageChunk,
} from 'ai';
import { eventually, type Person } from './parley.js';

/** What an answer of ours says beside its text (docs/ai-sdk.md). */
export interface AnswerMetadata {
  readonly threadId: string;
  readonly userMessageId: string;
  readonly modelId: string;
  readonly createdAt: string;
  readonly status?: 'complete' | 'cancelled' | 'error';
  readonly errorCode?: string;
  readonly retryable?: boolean;
  readonly usage?: Readonly<Record<string, number | null>>;
}

export type AnswerMessage = UIMessage<AnswerMetadata>;

/** What `@ai-sdk/react` keeps in React state, kept in fields. */
class PlainState implements ChatState<AnswerMessage> {
  status: ChatStatus = 'ready';
  error: Error | undefined;

  constructor(public messages: AnswerMessage[]) {}

  pushMessage = (message: AnswerMessage): void => {
    this.messages = [...this.messages, message];
  };

  popMessage = (): void => {
    this.messages = this.messages.slice(0, -1);
  };

  replaceMessage = (index: number, message: AnswerMessage): void => {
    this.messages = this.messages.with(index, structuredClone(message));
  };

  snapshot = <Thing>(thing: Thing): Thing => structuredClone(thing);
}

interface UiChatOptions extends Pick<
  ChatInit<AnswerMessage>,
  'id' | 'messages' | 'onData' | 'onFinish' | 'onToolCall'
> {
  /** What the transport adds to each body. */
  readonly body?: object;
  /** Sends the new message alone, as the documentation of the SDK shows. */
  readonly lastOnly?: boolean;
}

/** A stock chat of the `ai` package, as `useChat` makes one, on its stock transport; logged in as a person. */
export class UiChat extends AbstractChat<AnswerMessage> {
  /** Where it sends its requests: at first to the replica of the person. */
  server: string;
  /** Resumes by name an answer that broke off, so that it gets the rest of one that has ended meanwhile. */
  namesWhatBrokeOff = false;

  constructor(person: Person, { messages = [], body = {}, lastOnly = false, ...init }: UiChatOptions = {}) {
    const { home } = person.browser;
    const transport = new DefaultChatTransport<AnswerMessage>({
      api: `${home}/api/chat`,
      // What a load balancer does.
      fetch: (url, options) => fetch(new Request(url).url.replace(home, this.server), options),
      headers: headersOf(person),
      body,
      // As docs/ai-sdk.md has it.
      prepareReconnectToStreamRequest: ({ id, api }) => {
        const last = this.lastMessage;
        const isWhole = last?.role !== 'assistant' || last.metadata?.status !== undefined;
        const query = isWhole ? '' : `?messageId=${last.id}`;
        return this.namesWhatBrokeOff ? { api: `${api}/${encodeURIComponent(id)}/stream${query}` } : {};
      },
      ...(lastOnly
        ? {
            prepareSendMessagesRequest: ({ id, messages: all, trigger, messageId, body: added }) => ({
              body: { ...added, id, message: all.at(-1), trigger, messageId },
            }),
          }
        : {}),
    });
    super({ ...init, transport, state: new PlainState(messages) });
    this.server = home;
  }

  /** The text of the last message. */
  get text(): string {
    return textOf(this.lastMessage);
  }

  /** Waits until the last message has some text. */
  async says(text: string): Promise<void> {
    await eventually(() => Promise.resolve(this.text === text ? true : undefined));
  }
}

export function textOf(message: UIMessage | undefined): string {
  return (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** What a page of ours sends with each request. */
function headersOf(person: Person): Record<string, string> {
  const cookie = [...person.browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
  return { cookie, 'sec-fetch-site': 'same-origin' };
}

/** Posts a body as it is. */
export function postChat(
  person: Person,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return person.browser.fetch('/api/chat', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** Every chunk of a UI message stream, each as the SDK's own schema reads it. */
export async function chunksOf(response: Response): Promise<UIMessageChunk[]> {
  const chunks: UIMessageChunk[] = [];
  if (response.body === null) return chunks;
  const parsed = parseJsonEventStream({ stream: response.body, schema: uiMessageChunkSchema });
  for await (const chunk of parsed) {
    if (!chunk.success) throw chunk.error;
    chunks.push(chunk.value);
  }
  return chunks;
}

/** A message of a person as `useChat` makes it. */
export function userMessage(text: string, id = 'client-made'): UIMessage {
  return { id, role: 'user', parts: [{ type: 'text', text }] };
}
