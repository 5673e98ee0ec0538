import { Get, Param, Query } from '@nestjs/common';
import { Requires } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import type { Page } from '../common/cursor.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { IdPipe } from '../infrastructure/http/id.pipe.js';
import { ModelIdPipe } from '../infrastructure/http/model-id.pipe.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { Limited } from '../rate-limits/rate-limit.js';
import { ListMessagesDto } from './dto/list-messages.dto.js';
import { MessageDto } from './dto/message.dto.js';
import { MessagesService } from './messages.service.js';

const threadId = new IdPipe('thread', 'THREAD_NOT_FOUND');
const messageId = new IdPipe('message', 'MESSAGE_NOT_FOUND');

@NativeController('', 'Messages')
export class MessagesController {
  constructor(private readonly messages: MessagesService) {}

  @Get('threads/:threadId/messages')
  @Requires('messages:read')
  @Limited('messagesRead')
  @Answers(MessageDto, { shape: 'page' })
  async list(
    @CurrentCaller() caller: Caller,
    @Param('threadId', threadId) id: string,
    @Query() { branch, order, limit, cursor }: ListMessagesDto,
  ): Promise<Page<MessageDto>> {
    const page = await this.messages.list(caller, { threadId: id, branch, order, limit, cursor });
    return page.map((message) => new MessageDto(message));
  }

  @Get('threads/:threadId/models/:modelId/messages')
  @Requires('messages:read')
  @Limited('messagesRead')
  @Answers(MessageDto, { shape: 'page' })
  async listOfModel(
    @CurrentCaller() caller: Caller,
    @Param('threadId', threadId) id: string,
    @Param('modelId', ModelIdPipe) modelId: string,
    @Query() { branch, order, limit, cursor }: ListMessagesDto,
  ): Promise<Page<MessageDto>> {
    const page = await this.messages.list(caller, { threadId: id, modelId, branch, order, limit, cursor });
    return page.map((message) => new MessageDto(message));
  }

  @Get('messages/:messageId')
  @Requires('messages:read')
  @Answers(MessageDto)
  async get(@CurrentCaller() caller: Caller, @Param('messageId', messageId) id: string): Promise<MessageDto> {
    return new MessageDto(await this.messages.get(caller, id));
  }
}
