import { Body, Param, Post, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { LiveAccess } from '../../auth/live-access.service.js';
import { Summaries } from '../../generation/summaries/summaries.service.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { IdPipe } from '../../infrastructure/http/id.pipe.js';
import { ModelIdPipe } from '../../infrastructure/http/model-id.pipe.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { NoBodyPipe } from '../../infrastructure/http/no-body.pipe.js';
import { currentRequestId } from '../../infrastructure/http/request-context.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { goneFrom } from '../reading.js';
import { SummaryDto } from './dto/summary.dto.js';

const threadId = new IdPipe('thread', 'THREAD_NOT_FOUND');

/** Summaries that somebody asks for, instead of waiting until the conversation is long enough. */
@NativeController('', 'Messages')
export class SummariesController {
  constructor(
    private readonly summaries: Summaries,
    private readonly access: LiveAccess,
  ) {}

  @Post('threads/:threadId/models/:modelId/summarize')
  @Requires('messages:write')
  @Limited('summarize')
  @Answers(SummaryDto)
  async summarize(
    @CurrentCaller() caller: Caller,
    @Param('threadId', threadId) id: string,
    @Param('modelId', ModelIdPipe) modelId: string,
    @Body(NoBodyPipe) _nothing: undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SummaryDto> {
    return this.access.during(caller, 'messages:write', async (ended) => {
      const signal = goneFrom(response, ended);
      const wish = { threadId: id, modelId, requestId: currentRequestId(), signal };
      return new SummaryDto(await this.summaries.summarize(() => Promise.resolve(caller), wish));
    });
  }
}
