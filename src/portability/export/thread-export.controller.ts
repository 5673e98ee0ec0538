import { Get, Inject, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { LiveAccess } from '../../auth/live-access.service.js';
import { toWireId } from '../../common/ids.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { sendFileStream } from '../../infrastructure/http/file-stream.js';
import { IdPipe } from '../../infrastructure/http/id.pipe.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { ExportThreadsDto } from '../dto/export-threads.dto.js';
import { ThreadExportService, type ExportFormat } from './thread-export.service.js';

const threadId = new IdPipe('thread', 'THREAD_NOT_FOUND');

interface ExportedFile {
  readonly format: ExportFormat;
  /** Without its extension. */
  readonly name: string;
  readonly pieces: AsyncIterable<string>;
}

/** Threads as files to be saved. */
@NativeController('threads', 'Threads')
export class ThreadExportController {
  constructor(
    private readonly exports: ThreadExportService,
    private readonly access: LiveAccess,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  @Get('export')
  @Requires('threads:read', 'messages:read')
  @ApiProduces('application/json', 'text/markdown')
  @ApiOkResponse({ description: 'A file with every thread.', schema: { type: 'string', format: 'binary' } })
  async exportAll(
    @CurrentCaller() caller: Caller,
    @Query() { format }: ExportThreadsDto,
    @Res() response: Response,
  ): Promise<void> {
    await this.send(caller, response, {
      format,
      name: 'parley-threads',
      pieces: this.exports.all(caller, format),
    });
  }

  @Get(':threadId/export')
  @Requires('threads:read', 'messages:read')
  @ApiProduces('application/json', 'text/markdown')
  @ApiOkResponse({ description: 'A file with the thread.', schema: { type: 'string', format: 'binary' } })
  async exportOne(
    @CurrentCaller() caller: Caller,
    @Param('threadId', threadId) id: string,
    @Query() { format }: ExportThreadsDto,
    @Res() response: Response,
  ): Promise<void> {
    await this.send(caller, response, {
      format,
      name: `parley-${toWireId('thread', id)}`,
      pieces: this.exports.one(caller, id, format),
    });
  }

  /** Of the two rights the one to messages is watched: every role has both or neither. */
  private async send(caller: Caller, response: Response, { format, name, pieces }: ExportedFile) {
    const { contentType, extension } = this.exports.writer(format);
    await this.access.during(caller, 'messages:read', (ended) =>
      sendFileStream(response, pieces, {
        contentType,
        fileName: `${name}.${extension}`,
        slowReaderTimeoutMs: this.config['server.slowReaderTimeoutMs'],
        ended,
      }),
    );
  }
}
