import { Body, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiProduces, ApiQuery } from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { LiveAccess } from '../../auth/live-access.service.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { IdPipe } from '../../infrastructure/http/id.pipe.js';
import { ModelIdPipe } from '../../infrastructure/http/model-id.pipe.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { NoBodyPipe } from '../../infrastructure/http/no-body.pipe.js';
import { currentRequestId } from '../../infrastructure/http/request-context.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { ModelLoadDto, ModelStatusDto } from './dto/model-status.dto.js';
import { sendLoadEvents } from './load-event-stream.js';
import { ModelStatuses } from './model-statuses.service.js';

const jobId = new IdPipe('load', 'MODEL_LOAD_NOT_FOUND');

/** How models are, and the loading of local ones. */
@NativeController('models', 'Models')
export class LocalModelsController {
  constructor(
    private readonly statuses: ModelStatuses,
    private readonly access: LiveAccess,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  @Get(':modelId/status')
  @Requires('models:read')
  @Limited('modelStatus')
  @Answers(ModelStatusDto)
  async status(
    @CurrentCaller() caller: Caller,
    @Param('modelId', ModelIdPipe) modelId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ModelStatusDto> {
    const call = { signal: goneSignal(response), requestId: currentRequestId() };
    return new ModelStatusDto(await this.statuses.of(caller, modelId, call));
  }

  @Post(':modelId/load')
  @Requires('completions:write')
  @Limited('modelLoad')
  @Answers(ModelLoadDto, { status: 202 })
  async load(
    @CurrentCaller() caller: Caller,
    @Param('modelId', ModelIdPipe) modelId: string,
    @Body(NoBodyPipe) _nothing: undefined,
  ): Promise<ModelLoadDto> {
    const { id } = await this.statuses.load(caller, modelId, currentRequestId());
    return new ModelLoadDto(id);
  }

  @Get(':modelId/load/stream')
  @Requires('models:read')
  @ApiProduces('text/event-stream')
  @ApiQuery({ name: 'jobId', type: String })
  @ApiOkResponse({ description: 'Events `progress`, then `loaded` or `error`, then `close`.' })
  async stream(
    @CurrentCaller() caller: Caller,
    @Param('modelId', ModelIdPipe) modelId: string,
    @Query('jobId', jobId) loadId: string,
    // Not passthrough: Nest would answer once more after the stream.
    @Res() response: Response,
  ): Promise<void> {
    const loads = await this.statuses.follow(caller, { modelId, loadId, signal: goneSignal(response) });
    const slowReaderTimeoutMs = this.config['server.slowReaderTimeoutMs'];
    await this.access.during(caller, 'models:read', (ended) =>
      sendLoadEvents(response, loads, { slowReaderTimeoutMs, ended }),
    );
  }
}

/** Aborts when the reader goes away, or has been told everything. */
function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
