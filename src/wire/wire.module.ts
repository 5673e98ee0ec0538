import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { GenerationModule } from '../generation/generation.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { ModelsModule } from '../models/models.module.js';
import { ThreadsModule } from '../threads/threads.module.js';
import { ChatController } from './ai-sdk/chat.controller.js';
import { ChatService } from './ai-sdk/chat.service.js';
import { NativeMessagesController } from './native/native-messages.controller.js';
import { SummariesController } from './native/summaries.controller.js';

@Module({
  imports: [AuthModule, GenerationModule, MessagesModule, ModelsModule, ThreadsModule],
  controllers: [ChatController, NativeMessagesController, SummariesController],
  providers: [ChatService],
})
export class WireModule {}
