import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Requires } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import type { Page } from '../common/cursor.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { IdPipe } from '../infrastructure/http/id.pipe.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { Limited } from '../rate-limits/rate-limit.js';
import {
  ChangeThreadDto,
  CreateThreadDto,
  ListThreadsDto,
  RenameThreadDto,
} from './dto/thread-requests.dto.js';
import { DeletedThreadDto, ThreadDetailDto, ThreadDto } from './dto/thread.dto.js';
import { ThreadsService } from './threads.service.js';

const threadId = new IdPipe('thread', 'THREAD_NOT_FOUND');

@NativeController('threads', 'Threads')
export class ThreadsController {
  constructor(private readonly threads: ThreadsService) {}

  @Post()
  @Requires('threads:write')
  @Limited('threadsCreate')
  @Answers(ThreadDetailDto, { status: 201 })
  async create(@CurrentCaller() caller: Caller, @Body() body: CreateThreadDto): Promise<ThreadDetailDto> {
    return new ThreadDetailDto(await this.threads.create(caller, body.title));
  }

  @Get()
  @Requires('threads:read')
  @Limited('threadsList')
  @Answers(ThreadDto, { shape: 'page' })
  async list(@CurrentCaller() caller: Caller, @Query() query: ListThreadsDto): Promise<Page<ThreadDto>> {
    const { q, orderBy, order, limit, cursor } = query;
    const archived = query.archived === 'all' ? 'all' : query.archived === 'true';
    const page = await this.threads.list(caller, { q, orderBy, order, archived, limit, cursor });
    return page.map((thread) => new ThreadDto(thread));
  }

  @Get(':threadId')
  @Requires('threads:read')
  @Limited('threadRead')
  @Answers(ThreadDetailDto)
  async get(
    @CurrentCaller() caller: Caller,
    @Param('threadId', threadId) id: string,
  ): Promise<ThreadDetailDto> {
    return new ThreadDetailDto(await this.threads.get(caller, id));
  }

  @Patch(':threadId')
  @Requires('threads:write')
  @Answers(ThreadDetailDto)
  async change(
    @CurrentCaller() caller: Caller,
    @Param('threadId', threadId) id: string,
    @Body() body: ChangeThreadDto,
  ): Promise<ThreadDetailDto> {
    return new ThreadDetailDto(await this.threads.change(caller, id, body));
  }

  @Patch(':threadId/title')
  @Requires('threads:write')
  @Limited('threadRename')
  @Answers(ThreadDetailDto)
  async rename(
    @CurrentCaller() caller: Caller,
    @Param('threadId', threadId) id: string,
    @Body() body: RenameThreadDto,
  ): Promise<ThreadDetailDto> {
    return new ThreadDetailDto(await this.threads.change(caller, id, body));
  }

  @Delete(':threadId')
  @Requires('threads:write')
  @Limited('threadDelete')
  @Answers(DeletedThreadDto)
  async delete(
    @CurrentCaller() caller: Caller,
    @Param('threadId', threadId) id: string,
  ): Promise<DeletedThreadDto> {
    return new DeletedThreadDto(id, await this.threads.delete(caller, id));
  }
}
