import { Body, Delete, Post, Query } from '@nestjs/common';
import { Requires } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { NoBodyPipe } from '../infrastructure/http/no-body.pipe.js';
import { BulkThreadsService } from './bulk-threads.service.js';
import { DeleteThreadsDto } from './dto/delete-threads.dto.js';
import { ArchivedThreadsDto, DeletedThreadsDto } from './dto/thread.dto.js';

/** What is done to all threads of the caller. */
@NativeController('threads', 'Threads')
export class BulkThreadsController {
  constructor(private readonly threads: BulkThreadsService) {}

  @Post('archive')
  @Requires('threads:write')
  @Answers(ArchivedThreadsDto)
  async archiveAll(
    @CurrentCaller() caller: Caller,
    @Body(NoBodyPipe) _nothing: undefined,
  ): Promise<ArchivedThreadsDto> {
    return new ArchivedThreadsDto(await this.threads.archiveAll(caller));
  }

  @Delete()
  @Requires('threads:write')
  @Answers(DeletedThreadsDto)
  async deleteAll(
    @CurrentCaller() caller: Caller,
    @Query() _confirmed: DeleteThreadsDto,
  ): Promise<DeletedThreadsDto> {
    return new DeletedThreadsDto(await this.threads.deleteAll(caller));
  }
}
