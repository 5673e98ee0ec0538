import { Body, Get, Headers, Inject, Param, Post, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiProduces,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { LiveAccess } from '../../auth/live-access.service.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { fromWireId, toWireId } from '../../common/ids.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { AnswerStreams } from '../../generation/answer-streams.js';
import type { Generation } from '../../generation/generation-starter.js';
import { GenerationService } from '../../generation/generation.service.js';
import type { AnswerStream } from '../../generation/live-stream.js';
import { closeNumber } from '../../generation/stream-position.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { successEnvelope } from '../../infrastructure/http/envelope.js';
import { IdPipe } from '../../infrastructure/http/id.pipe.js';
import { ModelIdPipe } from '../../infrastructure/http/model-id.pipe.js';
import { NoBodyPipe } from '../../infrastructure/http/no-body.pipe.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { currentRequestId } from '../../infrastructure/http/request-context.js';
import { MessageDto } from '../../messages/dto/message.dto.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { goneFrom } from '../reading.js';
import { ExchangeDto, PostMessageDto, RegenerateMessageDto } from './dto/post-message.dto.js';
import { idempotencyKeyHeader, readIdempotencyKey } from './idempotency-key.js';
import { lastEventNumber } from './last-event-id.js';
import { sendEvents, type EventStreamOptions } from './native-event-stream.js';

const threadId = new IdPipe('thread', 'THREAD_NOT_FOUND');
const messageId = new IdPipe('message', 'MESSAGE_NOT_FOUND');

/** The native door to generation: a finished pair of messages, or the event stream of the answer. */
@NativeController('', 'Messages')
export class NativeMessagesController {
  constructor(
    private readonly generation: GenerationService,
    private readonly streams: AnswerStreams,
    private readonly access: LiveAccess,
    private readonly clock: Clock,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  @Post('threads/:threadId/models/:modelId/messages')
  @Requires('messages:write')
  @Limited('messagesPost')
  @ApiProduces('application/json', 'text/event-stream')
  @ApiHeader(idempotencyKeyHeader)
  @Answers(ExchangeDto)
  async post(
    @CurrentCaller() caller: Caller,
    @Headers(idempotencyKeyHeader.name) key: string | undefined,
    @Param('threadId', threadId) thread: string,
    @Param('modelId', ModelIdPipe) modelId: string,
    @Body() { stream, parentId, ...message }: PostMessageDto,
    // Not passthrough: Nest would answer once more after the stream.
    @Res() response: Response,
  ): Promise<void> {
    const generation = await this.generation.post(caller, {
      ...message,
      parentId: typeof parentId === 'string' ? fromWireId('message', parentId) : parentId,
      threadId: thread,
      modelId,
      requestId: currentRequestId(),
      idempotencyKey: readIdempotencyKey(key),
    });
    await this.answer(caller, response, { generation, stream });
  }

  @Post('messages/:messageId/regenerate')
  @Requires('messages:write')
  @Limited('messagesPost')
  @ApiProduces('application/json', 'text/event-stream')
  @ApiHeader(idempotencyKeyHeader)
  @Answers(ExchangeDto)
  async regenerate(
    @CurrentCaller() caller: Caller,
    @Headers(idempotencyKeyHeader.name) key: string | undefined,
    @Param('messageId', messageId) id: string,
    @Body() { stream, ...wish }: RegenerateMessageDto,
    @Res() response: Response,
  ): Promise<void> {
    const generation = await this.generation.regenerate(caller, {
      ...wish,
      messageId: id,
      requestId: currentRequestId(),
      idempotencyKey: readIdempotencyKey(key),
    });
    await this.answer(caller, response, { generation, stream });
  }

  @Get('messages/:messageId/stream')
  @Requires('messages:read')
  @ApiProduces('text/event-stream')
  @ApiHeader({
    name: 'Last-Event-ID',
    description: 'The last event that the reader has: what comes after it is sent.',
  })
  @ApiOkResponse({
    description: 'The answer from the start, or from there, and then as it goes on, until it ends.',
  })
  @ApiNoContentResponse({ description: 'The reader has everything.' })
  async resume(
    @CurrentCaller() caller: Caller,
    @Param('messageId', messageId) id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const stream = await this.streams.open(caller, id);
    const after = lastEventNumber(lastEventId, id);
    // Which also tells an EventSource not to come back.
    if (after >= closeNumber) response.status(204).end();
    else {
      await this.access.during(caller, 'messages:read', (ended) =>
        this.sendStream(response, stream, { messageId: id, after, ended }),
      );
    }
  }

  @Post('messages/:messageId/cancel')
  @Requires('messages:write')
  @Answers(MessageDto)
  @ApiAcceptedResponse({ description: 'Another replica generates it and will have stopped within a second.' })
  async cancel(
    @CurrentCaller() caller: Caller,
    @Param('messageId', messageId) id: string,
    @Body(NoBodyPipe) _nothing: undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MessageDto> {
    const message = await this.generation.cancel(caller, id);
    // Another replica generates it and will have stopped within a second.
    if (message.replicaId !== null) response.status(202);
    return new MessageDto(message);
  }

  private async answer(
    caller: Caller,
    response: Response,
    { generation, stream }: { readonly generation: Generation; readonly stream: boolean },
  ): Promise<void> {
    await this.access.during(caller, 'messages:write', async (ended) => {
      if (stream) {
        const messageId = generation.assistantMessage.id;
        await this.sendStream(response, generation.stream, { messageId, after: 0, ended });
      } else {
        const gone = goneFrom(response, ended);
        const pair = await Promise.race([finishedPair(generation, gone), refusal(ended)]);
        response.status(200).json(successEnvelope(pair, this.clock.now()));
      }
    });
  }

  private sendStream(
    response: Response,
    stream: AnswerStream,
    { messageId, ...reading }: Pick<EventStreamOptions, 'messageId' | 'after' | 'ended'>,
  ): Promise<void> {
    return sendEvents(response, stream, {
      ...reading,
      messageId: toWireId('message', messageId),
      slowReaderTimeoutMs: this.config['server.slowReaderTimeoutMs'],
    });
  }
}

/** @throws DomainError for every answer that is not complete, naming the messages that were kept */
async function finishedPair(
  { userMessage, assistantMessage, ended }: Generation,
  gone: AbortSignal,
): Promise<ExchangeDto> {
  const { message, failure } = await ended(gone);
  if (message !== null && failure === undefined) {
    return new ExchangeDto(new MessageDto(userMessage), new MessageDto(message));
  }
  throw new DomainError(failure?.code ?? 'GENERATION_INTERRUPTED', {
    cause: failure,
    ...(failure?.param === undefined ? {} : { param: failure.param }),
    ...(failure?.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
    details: {
      ...failure?.details,
      userMessageId: toWireId('message', userMessage.id),
      messageId: toWireId('message', assistantMessage.id),
    },
  });
}

/** Rejects with why the caller may not wait any longer; never resolves. */
function refusal(ended: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    // Its reason is the DomainError to tell.
    ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true });
  });
}
