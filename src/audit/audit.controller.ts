import { Get, Query } from '@nestjs/common';
import { Requires } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import type { Page } from '../common/cursor.js';
import { fromWireId } from '../common/ids.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { AuditVerification } from './audit-verification.service.js';
import { AuditService } from './audit.service.js';
import { ListAuditDto, VerifyAuditDto } from './dto/audit-requests.dto.js';
import { AuditEventDto, ChainVerdictDto } from './dto/audit.dto.js';

/** The audit log of the caller's own tenant. */
@NativeController('audit', 'Audit')
export class AuditController {
  constructor(
    private readonly audit: AuditService,
    private readonly verification: AuditVerification,
  ) {}

  @Get()
  @Requires('audit:read')
  @Answers(AuditEventDto, { shape: 'page' })
  async list(
    @CurrentCaller() { tenantId }: Caller,
    @Query() { actor, from, to, ...query }: ListAuditDto,
  ): Promise<Page<AuditEventDto>> {
    const page = await this.audit.list(tenantId, {
      ...query,
      ...(actor === undefined
        ? {}
        : { actorUserId: fromWireId('user', actor), actorTokenId: fromWireId('token', actor) }),
      ...(from === undefined ? {} : { from: new Date(from) }),
      ...(to === undefined ? {} : { to: new Date(to) }),
    });
    return page.map((event) => new AuditEventDto(event));
  }

  @Get('verify')
  @Requires('audit:read')
  @Answers(ChainVerdictDto)
  async verify(
    @CurrentCaller() { tenantId }: Caller,
    @Query() { seq, hash }: VerifyAuditDto,
  ): Promise<ChainVerdictDto> {
    const known =
      seq === undefined || hash === undefined ? undefined : { seq, hash: Buffer.from(hash, 'hex') };
    return new ChainVerdictDto(await this.verification.verify(tenantId, known));
  }
}
