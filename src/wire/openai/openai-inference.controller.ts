import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { Clock } from '../../common/clock.js';
import { Ids } from '../../common/ids.js';
import { TakesBody } from '../../infrastructure/http/body.guard.js';
import { type RequestWithBytes } from '../../infrastructure/http/json-body.js';
import type { WireProtocol } from '../../llm-providers/contract/forward.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { ProgramDoor, type AskedCall } from '../program-door.js';
import { toChatCompletion } from './chat-completion.js';
import { toChatRequest } from './chat-request.js';
import { ChatStreamEncoder } from './chat-stream-encoder.js';
import type { AnswerFrame } from './chat-words.js';
import { formatOf, toEmbeddingList, toEmbedRequest } from './embeddings.js';
import { readHead, type RequestHead } from '../request-caps.js';
import { TextCompletionEncoder, toCompletionRequest, toTextCompletion } from './text-completion.js';

/** What the SDKs of OpenAI ask for (wire-apis.md, OpenAI), described by OpenAI. */
@ApiExcludeController()
@Controller('v1')
@TakesBody('vendor-json')
export class OpenAiInferenceController {
  constructor(
    private readonly door: ProgramDoor,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  @Post('chat/completions')
  @HttpCode(200)
  @Requires('completions:write')
  @Limited('v1')
  chat(
    @CurrentCaller() caller: Caller,
    @Body() body: unknown,
    @Req() request: RequestWithBytes,
    // Not passthrough: Nest would answer once more after the stream.
    @Res() response: Response,
  ): Promise<void> {
    const head = readHead(body);
    return this.door.answer(response, {
      ...asked(head, caller, request, 'openai-chat'),
      request: () => toChatRequest(head.body),
      encoder: () => new ChatStreamEncoder(this.frame('chatcmpl', head), head.includesUsage),
      toBody: (result) => toChatCompletion(this.frame('chatcmpl', head), result),
    });
  }

  @Post('completions')
  @HttpCode(200)
  @Requires('completions:write')
  @Limited('v1')
  complete(
    @CurrentCaller() caller: Caller,
    @Body() body: unknown,
    @Req() request: RequestWithBytes,
    @Res() response: Response,
  ): Promise<void> {
    const head = readHead(body);
    return this.door.answer(response, {
      ...asked(head, caller, request, 'openai-completions'),
      request: () => toCompletionRequest(head.body),
      encoder: () => new TextCompletionEncoder(this.frame('cmpl', head), head.includesUsage),
      toBody: (result) => toTextCompletion(this.frame('cmpl', head), result),
    });
  }

  @Post('embeddings')
  @HttpCode(200)
  @Requires('completions:write')
  @Limited('v1')
  embed(
    @CurrentCaller() caller: Caller,
    @Body() body: unknown,
    @Req() request: RequestWithBytes,
    @Res() response: Response,
  ): Promise<void> {
    const head = readHead(body);
    const format = formatOf(head.body);
    return this.door.embed(response, {
      ...asked(head, caller, request, 'openai-embeddings'),
      request: () => toEmbedRequest(head.body),
      toBody: (vectors, inputTokens) => toEmbeddingList(vectors, { model: head.model, format, inputTokens }),
    });
  }

  private frame(prefix: string, { model }: RequestHead): AnswerFrame {
    return {
      id: `${prefix}-${this.ids.next().replaceAll('-', '')}`,
      created: Math.floor(this.clock.now().getTime() / 1000),
      model,
    };
  }
}

type Asked = Pick<AskedCall, 'caller' | 'door' | 'modelId' | 'maxOutputTokens' | 'forward' | 'streams'>;

function asked(
  { body, model, maxOutputTokens, streams }: RequestHead,
  caller: Caller,
  { bodyBytes: bytes }: RequestWithBytes,
  protocol: Extract<WireProtocol, AskedCall['door']>,
): Asked {
  const forward = { protocol, body, bytes };
  return { caller, door: protocol, modelId: model, maxOutputTokens, streams, forward };
}
