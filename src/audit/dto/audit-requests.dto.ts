import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, Matches, Max, Min, ValidateBy, ValidateIf } from 'class-validator';
import { fromWireId } from '../../common/ids.js';
import { MayBeAbsent } from '../../infrastructure/http/optional.js';
import { PageQueryDto } from '../../infrastructure/http/page-query.dto.js';
import { IsText } from '../../infrastructure/http/text-rules.js';
import { IsTime } from '../../infrastructure/http/time-rules.js';
import { auditActions } from '../audit-actions.js';
import type { AuditOutcome } from '../audit-event.entity.js';

function IsActorId(): PropertyDecorator {
  return ValidateBy({
    name: 'isActorId',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' && (fromWireId('user', value) ?? fromWireId('token', value)) !== undefined,
      defaultMessage: () => '$property must be the id of a user or of an API token',
    },
  });
}

export class ListAuditDto extends PageQueryDto {
  @ApiPropertyOptional({ description: 'A user, by whatever credential, or one API token.' })
  @MayBeAbsent()
  @IsActorId()
  actor?: string;

  @ApiPropertyOptional({ enum: auditActions })
  @MayBeAbsent()
  @IsIn(auditActions)
  action?: string;

  @ApiPropertyOptional({ maxLength: 40, description: 'Such as `thread` or `session`.' })
  @MayBeAbsent()
  @IsText({ maximum: 40 })
  targetKind?: string;

  @ApiPropertyOptional({ maxLength: 200 })
  @MayBeAbsent()
  @IsText({ maximum: 200 })
  targetId?: string;

  @ApiPropertyOptional({ enum: ['success', 'failure'] })
  @MayBeAbsent()
  @IsIn(['success', 'failure'])
  outcome?: AuditOutcome;

  @ApiPropertyOptional({ format: 'date-time', description: 'Nothing before.' })
  @MayBeAbsent()
  @IsTime()
  from?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Nothing at this time or later.' })
  @MayBeAbsent()
  @IsTime()
  to?: string;
}

const namesHead = ValidateIf(({ seq, hash }: VerifyAuditDto) => seq !== undefined || hash !== undefined);

/** A head that was exported earlier: both, or none. */
export class VerifyAuditDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 0 })
  @namesHead
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  seq?: number;

  @ApiPropertyOptional({ pattern: '^[0-9a-f]{64}$' })
  @namesHead
  @Matches(/^[0-9a-f]{64}$/)
  hash?: string;
}
