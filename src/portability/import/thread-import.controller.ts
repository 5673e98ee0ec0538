import { Headers, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiProduces } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { LiveAccess } from '../../auth/live-access.service.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { takeLonger } from '../../infrastructure/http/arrival.js';
import { successEnvelope } from '../../infrastructure/http/envelope.js';
import { sendEventStream } from '../../infrastructure/http/event-stream.js';
import { TakesBody } from '../../infrastructure/http/body.guard.js';
import { hasBody } from '../../infrastructure/http/body-reader.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { streamedBody } from '../../infrastructure/http/streamed-body.js';
import { ImportReportDto, ImportThreadsDto } from '../dto/import-threads.dto.js';
import { encodeImportEvent, errorEvent, importEvents } from './import-events.js';
import { ThreadImportService, type RunningImport } from './thread-import.service.js';

/** A client that sends nothing for this long has left. */
const idleMs = 30_000;
/** For what is left of a body when the answer is there. */
const restMs = 10_000;

const kinds: Readonly<Partial<Record<string, 'json' | 'zip'>>> = {
  'application/json': 'json',
  'application/zip': 'zip',
  // What browsers on Windows call it.
  'application/x-zip-compressed': 'zip',
};

/** Threads from files of ours and of others. */
@NativeController('', 'Threads')
export class ThreadImportController {
  constructor(
    private readonly imports: ThreadImportService,
    private readonly access: LiveAccess,
    private readonly clock: Clock,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  @Post('threads/import')
  @TakesBody('stream')
  @Requires('threads:write', 'messages:write')
  @ApiConsumes('application/json', 'application/zip')
  @ApiProduces('application/json', 'text/event-stream')
  @ApiBody({
    description: 'The file as it is: our own JSON, or the data export of ChatGPT or Claude, packed or not.',
    schema: { type: 'string', format: 'binary' },
  })
  @Answers(ImportReportDto)
  async import(
    @CurrentCaller() caller: Caller,
    @Headers('accept') accept: string | undefined,
    @Query() { modelId }: ImportThreadsDto,
    @Req() request: Request,
    // Not passthrough: Nest would answer once more after the stream.
    @Res() response: Response,
  ): Promise<void> {
    const kind = kindOf(request);
    // Of the two rights the one to threads is watched: every role has both or neither.
    await this.access.during(caller, 'threads:write', async (ended) => {
      const bytes = streamedBody(request, { limitBytes: this.imports.maxFileBytes, idleMs });
      const bytesTotal = Number(request.headers['content-length'] ?? NaN);
      takeLonger(request, response, restMs);
      const running = this.imports.begin(caller, {
        ...{ kind, bytes, modelId, ended: abandoned(response, ended) },
        bytesTotal: Number.isSafeInteger(bytesTotal) ? bytesTotal : undefined,
      });
      if (accept?.includes('text/event-stream') === true) await this.sendEvents(response, running, ended);
      else {
        const report = await Promise.race([running.done, refusal(ended)]);
        response.status(200).json(successEnvelope(new ImportReportDto(report), this.clock.now()));
      }
    });
  }

  private sendEvents(response: Response, running: RunningImport, ended: AbortSignal): Promise<void> {
    return sendEventStream(response, importEvents(running), {
      encode: encodeImportEvent,
      slowReaderTimeoutMs: this.config['server.slowReaderTimeoutMs'],
      ended,
      refuse: (reason) => encodeImportEvent(errorEvent(reason)),
    });
  }
}

/** @throws DomainError INVALID_BODY when there is none, UNSUPPORTED_MEDIA_TYPE */
function kindOf(request: Request): 'json' | 'zip' {
  if (!hasBody(request)) throw new DomainError('INVALID_BODY', { message: 'The body must be the file.' });
  const [type = ''] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  const kind = kinds[type.trim()];
  if (kind !== undefined) return kind;
  throw new DomainError('UNSUPPORTED_MEDIA_TYPE', {
    message: 'The body must be application/json in UTF-8 or application/zip.',
  });
}

/** Aborted when nobody waits for the answer any more, or may. */
function abandoned(response: Response, ended: AbortSignal): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort(new DomainError('INVALID_REQUEST')));
  return AbortSignal.any([gone.signal, ended]);
}

/** Rejects with why the caller may not go on; never resolves. */
function refusal(ended: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    // Its reason is the DomainError to tell.
    ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true });
  });
}
