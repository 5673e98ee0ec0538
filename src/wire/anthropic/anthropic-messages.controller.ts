import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { Ids } from '../../common/ids.js';
import { countInput } from '../../generation/counted-request.js';
import { TakesBody } from '../../infrastructure/http/body.guard.js';
import type { RequestWithBytes } from '../../infrastructure/http/json-body.js';
import { currentRequestId } from '../../infrastructure/http/request-context.js';
import type { ForwardRequest, WireProtocol } from '../../llm-providers/contract/forward.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { ProgramDoor } from '../program-door.js';
import type { ProgramRequest } from '../program-calls.service.js';
import { MessageStreamEncoder } from './message-stream-encoder.js';
import { toMessage, type MessageHead } from './message.js';
import { readAnswerRequest, readMessages, toProgramRequest } from './messages-request.js';
import { protocolHeaders } from './protocol-headers.js';
import { TokenCounts } from './token-counts.service.js';

/** The API of Anthropic, for every model of the catalogue: https://platform.claude.com/docs/en/api/messages */
@ApiExcludeController()
@Controller('v1/messages')
@TakesBody('vendor-json')
export class AnthropicMessagesController {
  constructor(
    private readonly answers: ProgramDoor,
    private readonly counts: TokenCounts,
    private readonly ids: Ids,
  ) {}

  @Post()
  @Requires('completions:write')
  @Limited('v1')
  async create(
    @CurrentCaller() caller: Caller,
    @Req() http: Request & RequestWithBytes,
    @Res() response: Response,
  ): Promise<void> {
    const requestId = named(response);
    const { body, model, maxTokens, streams } = readAnswerRequest(http.body);
    const head: MessageHead = { id: `msg_${this.ids.next().replaceAll('-', '')}`, model };
    let made: ProgramRequest | undefined;
    const request = (): ProgramRequest => (made ??= toProgramRequest(body));
    await this.answers.answer(response, {
      caller,
      door: 'anthropic-messages',
      modelId: model,
      request,
      maxOutputTokens: maxTokens,
      forward: forwarded('anthropic-messages', http, body),
      streams,
      encoder: () =>
        new MessageStreamEncoder({
          ...head,
          requestId,
          inputTokens: () => countInput({ model, ...request() }),
        }),
      toBody: (result) => toMessage({ ...head, model: result.model ?? model }, result),
    });
  }

  @Post('count_tokens')
  @Requires('completions:write')
  @Limited('v1')
  async count(
    @CurrentCaller() caller: Caller,
    @Req() http: Request & RequestWithBytes,
    @Res() response: Response,
  ): Promise<void> {
    const requestId = named(response);
    const { body, model } = readMessages(http.body);
    await this.answers.during(caller, response, async (signal) => {
      const input_tokens = await this.counts.inputTokens({
        caller,
        modelId: model,
        request: () => toProgramRequest(body),
        forward: forwarded('anthropic-count-tokens', http, body),
        requestId,
        signal,
      });
      response.status(200).json({ input_tokens });
    });
  }
}

/** Anthropic's name for the id of a request: https://platform.claude.com/docs/en/api/errors#request-id */
function named(response: Response): string {
  const requestId = currentRequestId();
  response.setHeader('request-id', requestId);
  return requestId;
}

function forwarded(
  protocol: WireProtocol,
  { bodyBytes: bytes, headers }: Request & RequestWithBytes,
  body: ForwardRequest['body'],
): Omit<ForwardRequest, 'model'> {
  return { protocol, body, bytes, headers: protocolHeaders(headers) };
}
