import { Body, Inject, Param, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiProduces } from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { LiveAccess } from '../../auth/live-access.service.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { toWireId } from '../../common/ids.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import type { Generation } from '../../generation/generation.service.js';
import { GenerationService } from '../../generation/generation.service.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { successEnvelope } from '../../infrastructure/http/envelope.js';
import { IdPipe } from '../../infrastructure/http/id.pipe.js';
import { ModelIdPipe } from '../../infrastructure/http/model-id.pipe.js';
import { NoBodyPipe } from '../../infrastructure/http/no-body.pipe.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { currentRequestId } from '../../infrastructure/http/request-context.js';
import { MessageDto } from '../../messages/dto/message.dto.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { ExchangeDto, PostMessageDto } from './dto/post-message.dto.js';
import { sendEvents } from './native-event-stream.js';

const threadId = new IdPipe('thread', 'THREAD_NOT_FOUND');
const messageId = new IdPipe('message', 'MESSAGE_NOT_FOUND');

/** The native door to generation: a finished pair of messages, or the event stream of the answer. */
@NativeController('', 'Messages')
export class NativeMessagesController {
  constructor(
    private readonly generation: GenerationService,
    private readonly access: LiveAccess,
    private readonly clock: Clock,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  @Post('threads/:threadId/models/:modelId/messages')
  @Requires('messages:write')
  @Limited('messagesPost')
  @ApiProduces('application/json', 'text/event-stream')
  @Answers(ExchangeDto)
  async post(
    @CurrentCaller() caller: Caller,
    @Param('threadId', threadId) thread: string,
    @Param('modelId', ModelIdPipe) modelId: string,
    @Body() { stream, ...message }: PostMessageDto,
    // Not passthrough: Nest would answer once more after the stream.
    @Res() response: Response,
  ): Promise<void> {
    const generation = await this.generation.post(caller, {
      ...message,
      threadId: thread,
      modelId,
      requestId: currentRequestId(),
    });
    await this.access.during(caller, 'messages:write', async (ended) => {
      if (stream) await this.sendStream(response, generation, ended);
      else {
        const pair = await Promise.race([finishedPair(generation), refusal(ended)]);
        response.status(200).json(successEnvelope(pair, this.clock.now()));
      }
    });
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

  private sendStream(response: Response, generation: Generation, ended: AbortSignal): Promise<void> {
    return sendEvents(response, generation.stream.follow(), {
      messageId: toWireId('message', generation.assistantMessage.id),
      slowReaderTimeoutMs: this.config['server.slowReaderTimeoutMs'],
      ended,
    });
  }
}

/** @throws DomainError for every answer that is not complete, naming the messages that were kept */
async function finishedPair({ userMessage, assistantMessage, ended }: Generation): Promise<ExchangeDto> {
  const { message, failure } = await ended;
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
