import { APIError } from 'openai';
import type { ForwardRequest, WireProtocol } from '../../contract/forward.js';
import type { ForwardedProtocolAnswer } from '../../forwarded-answer.js';
import { isRecord, UnexpectedShapeError } from '../../json-shape.js';
import type { Operation } from './endpoint.js';
import { ForwardedChat, refuseError, usageIn } from './forwarded-chat.js';
import { inFormat } from './forwarded-embeddings.js';
import { UnfinishedError } from './openai-errors.js';
import type { OpenAiKind } from './openai-kind.js';

/** What is passed on as it is. */
type ForwardedProtocol = 'openai-chat' | 'openai-completions' | 'openai-embeddings';

const operations: Readonly<Record<ForwardedProtocol, Operation>> = {
  'openai-chat': '/chat/completions',
  'openai-completions': '/completions',
  'openai-embeddings': '/embeddings',
};

export function isForwarded(protocol: WireProtocol): protocol is ForwardedProtocol {
  return Object.hasOwn(operations, protocol);
}

interface Outgoing {
  readonly operation: Operation;
  readonly body: Uint8Array | string;
  readonly answer: ForwardedProtocolAnswer;
}

/**
 * The request as it is sent: as it came, unless another model is meant by its name, or we have to ask for usage. A body that says a field
 * twice is always written anew: the vendor might take the other one of the two than we did, who held it against allow lists and budgets.
 */
export function toOutgoing(request: ForwardRequest, protocol: ForwardedProtocol, kind: OpenAiKind): Outgoing {
  const operation = operations[protocol];
  if (protocol === 'openai-embeddings') return { operation, ...embeddings(request, kind) };
  const { body, bytes, model } = request;
  const asItWas = body['model'] === model ? bytes : undefined;
  if (body['stream'] !== true) {
    const sent = asItWas ?? JSON.stringify({ ...body, model });
    return { operation, body: sent, answer: { ...answer, tap: undefined } };
  }
  const options = isRecord(body['stream_options']) ? body['stream_options'] : {};
  const asksForUsage = options['include_usage'] === true;
  const stream_options = { ...options, include_usage: true };
  const sent = asksForUsage ? asItWas : undefined;
  return {
    operation,
    body: sent ?? JSON.stringify({ ...body, model, stream_options }),
    answer: { ...answer, tap: new ForwardedChat(!asksForUsage) },
  };
}

const answer: Omit<ForwardedProtocolAnswer, 'tap'> = {
  usageOf: (whole, said) => {
    refuseError(whole, said);
    if ((whole.objects('choices') ?? []).length === 0)
      throw new UnexpectedShapeError('choices', 'a list with something in it');
    return usageIn(whole);
  },
  // What the SDK would have thrown.
  refusal: (status, body, headers) => APIError.generate(status, body, undefined, headers),
  unfinished: () => new UnfinishedError(),
};

/** Plain numbers are asked of servers that may not know base64. */
function embeddings({ body, model }: ForwardRequest, kind: OpenAiKind): Omit<Outgoing, 'operation'> {
  const format = body['encoding_format'] === 'base64' ? 'base64' : 'float';
  const asks = kind === 'openai-compatible' && format === 'base64' ? { encoding_format: 'float' } : {};
  return {
    body: JSON.stringify({ ...body, model, ...asks }),
    answer: {
      ...answer,
      tap: undefined,
      usageOf: (whole, said) => {
        refuseError(whole, said);
        return usageIn(whole);
      },
      convert: (whole) => inFormat(whole, format),
    },
  };
}
