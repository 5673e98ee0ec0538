import { APIError } from '@anthropic-ai/sdk';
import type { ForwardRequest, WireProtocol } from '../../contract/forward.js';
import type { ForwardedProtocolAnswer } from '../../forwarded-answer.js';
import type { JsonObject } from '../../json-shape.js';
import { UnfinishedError } from './anthropic-errors.js';
import { ForwardedMessage, messageUsage } from './forwarded-message.js';

const paths = {
  'anthropic-messages': '/v1/messages',
  'anthropic-count-tokens': '/v1/messages/count_tokens',
} as const;

type ForwardedProtocol = keyof typeof paths;

export function isForwarded(protocol: WireProtocol): protocol is ForwardedProtocol {
  return Object.hasOwn(paths, protocol);
}

export interface Outgoing {
  readonly path: string;
  readonly body: Uint8Array | string;
  readonly headers: Readonly<Record<string, string>>;
  readonly answer: ForwardedProtocolAnswer;
}

/** The request as it is sent: as it came, unless another model is meant by its name. */
export function toOutgoing(request: ForwardRequest, protocol: ForwardedProtocol): Outgoing {
  const { body, bytes, model, headers = {} } = request;
  const isAsItWas = bytes !== undefined && body['model'] === model;
  return {
    path: paths[protocol],
    body: isAsItWas ? bytes : JSON.stringify({ ...body, model }),
    headers,
    answer: {
      tap: protocol === 'anthropic-messages' && body['stream'] === true ? new ForwardedMessage() : undefined,
      usageOf: protocol === 'anthropic-messages' ? messageUsage : requireCount,
      // What the SDK would have thrown.
      refusal: (status, error, answered) => APIError.generate(status, error, undefined, answered),
      unfinished: () => new UnfinishedError(),
    },
  };
}

/** Counting uses nothing. https://platform.claude.com/docs/en/api/messages/count_tokens */
function requireCount(count: JsonObject): undefined {
  count.requiredCount('input_tokens');
}
