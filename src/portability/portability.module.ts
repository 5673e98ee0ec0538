import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { ThreadsModule } from '../threads/threads.module.js';
import { ThreadExportController } from './export/thread-export.controller.js';
import { ThreadExportService } from './export/thread-export.service.js';
import { ConversationWriter } from './import/conversation-writer.service.js';
import { ThreadImportController } from './import/thread-import.controller.js';
import { ThreadImportService } from './import/thread-import.service.js';

/** Conversations leave Parley and come to it, as files. In the list of rooms before threads: `threads/export` is the id of none. */
@Module({
  imports: [AuthModule, MessagesModule, ThreadsModule],
  controllers: [ThreadExportController, ThreadImportController],
  providers: [ThreadExportService, ThreadImportService, ConversationWriter],
})
export class PortabilityModule {}
