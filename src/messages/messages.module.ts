import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TokenCountingModule } from '../llm-providers/tokens/token-counting.module.js';
import { ThreadsModule } from '../threads/threads.module.js';
import { ContextService } from './context.service.js';
import { EarlierConversations } from './earlier-conversations.service.js';
import { ImportedMessagesService } from './imported-messages.service.js';
import { Message } from './message.entity.js';
import { MessagesController } from './messages.controller.js';
import { MessagesRepository } from './messages.repository.js';
import { MessagesService } from './messages.service.js';
import { StoredSummaries } from './summaries/stored-summaries.service.js';
import { SummariesRepository } from './summaries/summaries.repository.js';

@Module({
  imports: [TypeOrmModule.forFeature([Message]), ThreadsModule, TokenCountingModule],
  controllers: [MessagesController],
  providers: [
    MessagesService,
    ContextService,
    EarlierConversations,
    ImportedMessagesService,
    MessagesRepository,
    StoredSummaries,
    SummariesRepository,
  ],
  exports: [MessagesService, ContextService, ImportedMessagesService, StoredSummaries],
})
export class MessagesModule {}
