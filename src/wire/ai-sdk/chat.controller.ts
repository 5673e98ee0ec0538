import { Body, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { LiveAccess } from '../../auth/live-access.service.js';
import { toWireId } from '../../common/ids.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import type { AnswerStream } from '../../generation/live-stream.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { currentRequestId } from '../../infrastructure/http/request-context.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { idempotencyKeyHeader, readIdempotencyKey } from '../native/idempotency-key.js';
import { ChatService } from './chat.service.js';
import { ChatDto, ResumeChatDto } from './dto/chat.dto.js';
import { sendUiMessage } from './ui-message-stream.js';
import { readSaid } from './ui-messages.js';

/** The door for `useChat` of the AI SDK: its transport's requests, its UI message stream. */
@NativeController('chat', 'Messages')
export class ChatController {
  constructor(
    private readonly chats: ChatService,
    private readonly access: LiveAccess,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  @Post()
  @HttpCode(200)
  @Requires('messages:write')
  @Limited('messagesPost')
  @ApiProduces('text/event-stream')
  @ApiHeader(idempotencyKeyHeader)
  @ApiOkResponse({ description: 'The answer as a UI message stream. It goes on when nobody reads it.' })
  async answer(
    @CurrentCaller() caller: Caller,
    @Headers(idempotencyKeyHeader.name) key: string | undefined,
    @Body() body: ChatDto,
    @Res() response: Response,
  ): Promise<void> {
    const { id: chatId, trigger, messageId, modelId } = body;
    const { temperature, maxOutputTokens, systemPrompt } = body;
    const { stream, assistantMessage } = await this.chats.answer(caller, {
      chatId,
      trigger,
      messageId,
      modelId,
      said: readSaid(body),
      wish: {
        temperature,
        maxOutputTokens,
        systemPrompt,
        said: body,
        requestId: currentRequestId(),
        door: 'ai-sdk',
        idempotencyKey: readIdempotencyKey(key),
      },
    });
    await this.access.during(caller, 'messages:write', (ended) =>
      this.send(response, { messageId: assistantMessage.id, stream, ended }),
    );
  }

  @Get(':chatId/stream')
  @Requires('messages:read')
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'The answer under way from its start, and then as it goes on.' })
  @ApiNoContentResponse({ description: 'Nothing is being answered.' })
  async resume(
    @CurrentCaller() caller: Caller,
    @Param('chatId') chatId: string,
    @Query() { messageId }: ResumeChatDto,
    @Res() response: Response,
  ): Promise<void> {
    const reading = await this.chats.reading(caller, chatId, messageId);
    if (reading === undefined) response.status(204).end();
    else {
      await this.access.during(caller, 'messages:read', (ended) =>
        this.send(response, { ...reading, ended }),
      );
    }
  }

  private send(
    response: Response,
    {
      messageId,
      stream,
      ended,
    }: { readonly messageId: string; readonly stream: AnswerStream; readonly ended: AbortSignal },
  ): Promise<void> {
    return sendUiMessage(response, stream, {
      messageId: toWireId('message', messageId),
      ended,
      slowReaderTimeoutMs: this.config['server.slowReaderTimeoutMs'],
    });
  }
}
