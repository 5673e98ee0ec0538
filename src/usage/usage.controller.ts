import { Get, Inject, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import { LiveAccess } from '../auth/live-access.service.js';
import { fromWireId } from '../common/ids.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { sendFileStream } from '../infrastructure/http/file-stream.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { UsageRangeDto, UsageReportDto } from './dto/usage-requests.dto.js';
import { UsageGroupDto } from './dto/usage.dto.js';
import { toCsv } from './usage-csv.js';
import { UsageReports, type UsageWish } from './usage-reports.service.js';

/** What was used, for those who used it and for those who run the tenant. */
@NativeController('usage', 'Usage')
export class UsageController {
  constructor(
    private readonly reports: UsageReports,
    private readonly access: LiveAccess,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  @Get()
  @Requires('usage:read')
  @Answers(UsageGroupDto, { shape: 'list' })
  async report(
    @CurrentCaller() caller: Caller,
    @Query() { groupBy, ...range }: UsageReportDto,
  ): Promise<UsageGroupDto[]> {
    const groups = await this.reports.report(caller, { ...wishOf(range), groupBy });
    return groups.map((group) => new UsageGroupDto(group));
  }

  @Get('export')
  @Requires('usage:read')
  @ApiProduces('text/csv')
  @ApiOkResponse({ description: 'A line for each call, the oldest first.', schema: { type: 'string' } })
  async export(
    @CurrentCaller() caller: Caller,
    @Query() range: UsageRangeDto,
    @Res() response: Response,
  ): Promise<void> {
    await this.access.during(caller, 'usage:read', (ended) =>
      sendFileStream(response, toCsv(this.reports.records(caller, wishOf(range))), {
        contentType: 'text/csv; charset=utf-8',
        fileName: 'usage.csv',
        slowReaderTimeoutMs: this.config['server.slowReaderTimeoutMs'],
        ended,
      }),
    );
  }
}

function wishOf({ from, to, userId, tokenId, modelId, allTenants }: UsageRangeDto): UsageWish {
  return {
    modelId,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
    userId: userId === undefined ? undefined : fromWireId('user', userId),
    tokenId: tokenId === undefined ? undefined : fromWireId('token', tokenId),
    allTenants: allTenants === 'true',
  };
}
