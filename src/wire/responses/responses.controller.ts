import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { toWireId } from '../../common/ids.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { TakesBody } from '../../infrastructure/http/body.guard.js';
import { IdPipe } from '../../infrastructure/http/id.pipe.js';
import { NoBodyPipe } from '../../infrastructure/http/no-body.pipe.js';
import { currentRequestId } from '../../infrastructure/http/request-context.js';
import type { GenerateEvent } from '../../llm-providers/contract/generate-event.js';
import { showTokenBudget } from '../../rate-limits/limit-headers.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { BackgroundResponses } from '../../responses/background-responses.js';
import { StoredResponses } from '../../responses/stored-responses.service.js';
import { sendProgramStream } from '../program-answer.js';
import { ProgramDoor } from '../program-door.js';
import { listItems, toShownResponse } from './kept-responses.js';
import { ResponseStreamEncoder } from './response-stream-encoder.js';
import { ResponsesService, type AskedResponse } from './responses.service.js';

const responseId = new IdPipe('response', 'RESPONSE_NOT_FOUND');

/** Responses of OpenAI's API: https://platform.openai.com/docs/api-reference/responses */
@ApiExcludeController()
@Controller('v1/responses')
@TakesBody('vendor-json')
export class ResponsesController {
  constructor(
    private readonly responses: ResponsesService,
    private readonly stored: StoredResponses,
    private readonly background: BackgroundResponses,
    private readonly answers: ProgramDoor,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  @Post()
  @HttpCode(200)
  @Requires('completions:write')
  @Limited('v1')
  async create(
    @CurrentCaller() caller: Caller,
    @Body() body: unknown,
    // Not passthrough: Nest would answer once more after the stream.
    @Res() response: Response,
  ): Promise<void> {
    const asked = await this.responses.prepare(caller, body);
    if (asked.request.isBackground) {
      response.json(await this.responses.begin(asked, currentRequestId()));
    } else {
      await this.answer(asked, response);
    }
  }

  @Get(':responseId')
  @Requires('completions:read')
  @Limited('v1')
  async get(
    @CurrentCaller() caller: Caller,
    @Param('responseId', responseId) id: string,
    @Query() query: Readonly<Record<string, unknown>>,
  ): Promise<object> {
    return toShownResponse(await this.stored.find(caller, id), query);
  }

  @Delete(':responseId')
  @Requires('completions:write')
  @Limited('v1')
  async delete(
    @CurrentCaller() caller: Caller,
    @Param('responseId', responseId) id: string,
  ): Promise<object> {
    await this.stored.delete(caller, id);
    this.background.stop(id);
    return { id: toWireId('response', id), object: 'response', deleted: true };
  }

  @Post(':responseId/cancel')
  @HttpCode(200)
  @Requires('completions:write')
  @Limited('v1')
  async cancel(
    @CurrentCaller() caller: Caller,
    @Param('responseId', responseId) id: string,
    @Body(NoBodyPipe) _body: undefined,
  ): Promise<object> {
    const cancelled = await this.stored.cancel(caller, id);
    this.background.stop(id);
    return toShownResponse(cancelled, {});
  }

  @Get(':responseId/input_items')
  @Requires('completions:read')
  @Limited('v1')
  async inputItems(
    @CurrentCaller() caller: Caller,
    @Param('responseId', responseId) id: string,
    @Query() query: Readonly<Record<string, unknown>>,
  ): Promise<object> {
    return listItems(await this.stored.find(caller, id), query);
  }

  private answer(asked: AskedResponse, response: Response): Promise<void> {
    const { caller, request, writer } = asked;
    return this.answers.during(caller, response, async (signal, ended) => {
      const events = this.responses.answer(asked, {
        ...{ signal, requestId: currentRequestId() },
        onBudget: (budget) => showTokenBudget(response, budget),
      });
      if (request.streams) {
        const slowReaderTimeoutMs = this.config['server.slowReaderTimeoutMs'];
        await sendProgramStream(response, events, new ResponseStreamEncoder(writer), {
          ended,
          slowReaderTimeoutMs,
        });
        return;
      }
      for await (const event of events) writer.add(event as GenerateEvent); // Nothing is passed on as it is.
      response.status(200).json(writer.response);
    });
  }
}
