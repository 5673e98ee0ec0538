import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BulkThreadsController } from './bulk-threads.controller.js';
import { BulkThreadsService } from './bulk-threads.service.js';
import { ImportedThread } from './imported-thread.entity.js';
import { ImportedThreadsRepository } from './imported-threads.repository.js';
import { ImportedThreadsService } from './imported-threads.service.js';
import { SearchConfiguration } from './search/search-configuration.entity.js';
import { SearchDocument } from './search/search-document.entity.js';
import { SearchIndexRepository } from './search/search-index.repository.js';
import { SearchIndex } from './search/search-index.service.js';
import { ThreadSearchRepository } from './search/thread-search.repository.js';
import { ThreadSearchService } from './search/thread-search.service.js';
import { ThreadDeletion } from './thread-deletion.js';
import { ThreadModel } from './thread-model.entity.js';
import { Thread } from './thread.entity.js';
import { ThreadsController } from './threads.controller.js';
import { ThreadsRepository } from './threads.repository.js';
import { ThreadsService } from './threads.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Thread, ThreadModel, ImportedThread, SearchDocument, SearchConfiguration]),
  ],
  controllers: [BulkThreadsController, ThreadsController],
  providers: [
    ThreadsService,
    ThreadsRepository,
    ThreadDeletion,
    BulkThreadsService,
    ImportedThreadsService,
    ImportedThreadsRepository,
    ThreadSearchService,
    ThreadSearchRepository,
    SearchIndex,
    SearchIndexRepository,
  ],
  exports: [ThreadsService, ImportedThreadsService, ThreadDeletion],
})
export class ThreadsModule {}
