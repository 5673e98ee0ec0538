import { Body, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiNoContentResponse } from '@nestjs/swagger';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { NoBodyPipe } from '../../infrastructure/http/no-body.pipe.js';
import { ConnectionChecks } from './connection-checks.service.js';
import { Connections } from './connections.service.js';
import { ChangeConnectionDto, CreateConnectionDto } from './dto/connection-requests.dto.js';
import { ConnectionDto, SyncCountsDto, VerificationDto } from './dto/connection.dto.js';

/** The connections of the caller's tenant, and those of the settings, which have plain ids such as `openai`. */
@NativeController('providers', 'Administration')
export class ConnectionsController {
  constructor(
    private readonly connections: Connections,
    private readonly checks: ConnectionChecks,
  ) {}

  @Get()
  @Requires('admin')
  @Answers(ConnectionDto, { shape: 'list' })
  async list(@CurrentCaller() caller: Caller): Promise<ConnectionDto[]> {
    return (await this.connections.list(caller)).map((connection) => new ConnectionDto(connection));
  }

  @Post()
  @Requires('admin')
  @Answers(ConnectionDto, { status: 201 })
  async create(@CurrentCaller() caller: Caller, @Body() body: CreateConnectionDto): Promise<ConnectionDto> {
    return new ConnectionDto(await this.connections.create(caller, body));
  }

  @Get(':connectionId')
  @Requires('admin')
  @Answers(ConnectionDto)
  async get(@CurrentCaller() caller: Caller, @Param('connectionId') id: string): Promise<ConnectionDto> {
    return new ConnectionDto(await this.connections.get(caller, id));
  }

  @Patch(':connectionId')
  @Requires('admin')
  @Answers(ConnectionDto)
  async change(
    @CurrentCaller() caller: Caller,
    @Param('connectionId') id: string,
    @Body() body: ChangeConnectionDto,
  ): Promise<ConnectionDto> {
    return new ConnectionDto(await this.connections.change(caller, id, body));
  }

  @Delete(':connectionId')
  @Requires('admin')
  @HttpCode(204)
  @ApiNoContentResponse()
  async delete(@CurrentCaller() caller: Caller, @Param('connectionId') id: string): Promise<void> {
    await this.connections.delete(caller, id);
  }

  @Post(':connectionId/verify')
  @Requires('admin')
  @Answers(VerificationDto)
  async verify(
    @CurrentCaller() caller: Caller,
    @Param('connectionId') id: string,
    @Body(NoBodyPipe) _nothing: undefined,
  ): Promise<VerificationDto> {
    return new VerificationDto(await this.checks.verify(caller, id));
  }

  @Post(':connectionId/sync')
  @Requires('admin')
  @Answers(SyncCountsDto)
  async sync(
    @CurrentCaller() caller: Caller,
    @Param('connectionId') id: string,
    @Body(NoBodyPipe) _nothing: undefined,
  ): Promise<SyncCountsDto> {
    return new SyncCountsDto(await this.checks.sync(caller, id));
  }
}
