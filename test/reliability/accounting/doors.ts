import type { Door } from '../../../src/usage/usage-record.js';

/** What somebody asks by a door. */
export interface Asked {
  /** Of the call. */
  readonly number: number;
  readonly question: string;
  readonly model: string;
  readonly streams: boolean;
  readonly maxOutputTokens: number;
}

/** How a door is asked, and how it says that an answer is whole. */
export interface DoorWords {
  readonly path: (model: string, threadId: string) => string;
  readonly body: (asked: Asked) => object;
  /** In the stream of a whole answer, and in no other. */
  readonly wholeMark: string;
  readonly canStream: boolean;
  readonly isForThreads: boolean;
}

const forProgram = { canStream: true, isForThreads: false };
const forPerson = { canStream: true, isForThreads: true };

const chat = ({ question, model, streams, maxOutputTokens }: Asked): object => ({
  model,
  messages: [{ role: 'user', content: question }],
  stream: streams,
  max_tokens: maxOutputTokens,
});

/** The doors by which whoever has a token may ask a model. */
export const doorWords = {
  'openai-chat': {
    ...forProgram,
    path: () => '/v1/chat/completions',
    body: chat,
    wholeMark: 'data: [DONE]',
  },
  'anthropic-messages': {
    ...forProgram,
    path: () => '/v1/messages',
    body: chat,
    wholeMark: 'event: message_stop',
  },
  'openai-responses': {
    ...forProgram,
    path: () => '/v1/responses',
    body: ({ question, model, streams, maxOutputTokens }) => ({
      ...{ model, input: question, stream: streams, max_output_tokens: maxOutputTokens },
    }),
    wholeMark: 'event: response.completed',
  },
  'openai-completions': {
    ...forProgram,
    path: () => '/v1/completions',
    body: ({ question, model, streams, maxOutputTokens }) => ({
      ...{ model, prompt: question, stream: streams, max_tokens: maxOutputTokens },
    }),
    wholeMark: 'data: [DONE]',
  },
  'openai-embeddings': {
    ...forProgram,
    path: () => '/v1/embeddings',
    body: ({ question, model }) => ({ model, input: question }),
    wholeMark: '',
    canStream: false,
  },
  native: {
    ...forPerson,
    path: (model, threadId) => `/api/threads/${threadId}/models/${model}/messages`,
    body: ({ question, streams, maxOutputTokens }) => ({
      ...{ content: question, stream: streams, maxOutputTokens },
    }),
    wholeMark: 'event: message_complete',
  },
  'ai-sdk': {
    ...forPerson,
    path: () => '/api/chat',
    body: ({ number, question, model, maxOutputTokens }) => ({
      id: `chat-${number}`,
      message: { id: 'client-made', role: 'user', parts: [{ type: 'text', text: question }] },
      modelId: model,
      maxOutputTokens,
    }),
    wholeMark: 'data: [DONE]',
  },
} as const satisfies Readonly<Partial<Record<Door, DoorWords>>>;

export type AskedDoor = keyof typeof doorWords;
