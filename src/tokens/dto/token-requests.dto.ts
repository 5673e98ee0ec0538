import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, Max, Min, ValidateNested } from 'class-validator';
import type { Scope } from '../../auth/scopes.js';
import { roles, type Role } from '../../common/owner.js';
import { NumberedPageQueryDto } from '../../infrastructure/http/numbered-page-query.dto.js';
import { MayBeAbsent, MayBeAbsentOrNull } from '../../infrastructure/http/optional.js';
import { IsText } from '../../infrastructure/http/text-rules.js';
import { IsTime } from '../../infrastructure/http/time-rules.js';
import { AreModels, AreNetworks, AreScopes, IsUserId } from './token-rules.js';

const nameLength = 100;
const maxRequestsPerMinute = 100_000;
const maxOverlapSeconds = 24 * 60 * 60;

/** What every token may have, and no token needs. */
class TokenLimitsDto {
  @ApiPropertyOptional({
    type: [String],
    nullable: true,
    minItems: 1,
    description: 'Ids of the models that it may use; null for all that its owner may use.',
  })
  @MayBeAbsentOrNull()
  @AreModels()
  models?: string[] | null;

  @ApiPropertyOptional({
    type: [String],
    example: ['203.0.113.7', '2001:db8::/32'],
    description: 'Addresses and networks that it may be used from; empty for any.',
  })
  @MayBeAbsent()
  @AreNetworks()
  allowedNetworks?: string[];

  @ApiPropertyOptional({ type: 'integer', nullable: true, minimum: 1, maximum: maxRequestsPerMinute })
  @MayBeAbsentOrNull()
  @IsInt()
  @Min(1)
  @Max(maxRequestsPerMinute)
  requestsPerMinute?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: 1,
    description:
      'In tokens, per calendar month in UTC. A call begins while less than this is spent or set aside for calls under way.',
  })
  @MayBeAbsentOrNull()
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  monthlyTokenBudget?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: 1,
    description:
      'In micro-units of the accounting currency, per calendar month in UTC. A call begins while less than this is spent or set aside for calls under way.',
  })
  @MayBeAbsentOrNull()
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  monthlyCostBudget?: number | null;
}

class ServiceAccountDto {
  @ApiProperty({ minLength: 1, maxLength: nameLength, description: 'Capitals make no difference.' })
  @IsText({ maximum: nameLength })
  name!: string;

  @ApiPropertyOptional({ enum: roles, default: 'user', description: 'Of a new service account.' })
  @MayBeAbsent()
  @IsIn(roles)
  role?: Role;
}

export class CreateTokenDto extends TokenLimitsDto {
  @ApiProperty({ minLength: 1, maxLength: nameLength })
  @IsText({ maximum: nameLength })
  name!: string;

  @ApiPropertyOptional({ description: 'The user that it acts for; the caller when nobody is named.' })
  @MayBeAbsent()
  @IsUserId()
  ownerId?: string;

  @ApiPropertyOptional({
    type: ServiceAccountDto,
    description: 'The service account that it acts for, instead of a user; made when there is none.',
  })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => ServiceAccountDto)
  serviceAccount?: ServiceAccountDto;

  @ApiProperty({ type: [String], minItems: 1, example: ['read', 'messages:write'] })
  @AreScopes()
  scopes!: Scope[];

  @ApiProperty({ format: 'date-time' })
  @IsTime()
  expiresAt!: string;
}

export class ChangeTokenDto extends TokenLimitsDto {
  @ApiPropertyOptional({ minLength: 1, maxLength: nameLength })
  @MayBeAbsent()
  @IsText({ maximum: nameLength })
  name?: string;

  @ApiPropertyOptional({ type: [String], minItems: 1 })
  @MayBeAbsent()
  @AreScopes()
  scopes?: Scope[];

  @ApiPropertyOptional({ format: 'date-time' })
  @MayBeAbsent()
  @IsTime()
  expiresAt?: string;
}

export class RotateTokenDto {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: maxOverlapSeconds,
    default: 0,
    description: 'How long the old token lives on beside the new one.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(maxOverlapSeconds)
  overlapSeconds: number = 0;

  @ApiPropertyOptional({ format: 'date-time', description: 'Of the new token; that of the old by default.' })
  @MayBeAbsent()
  @IsTime()
  expiresAt?: string;
}

export class ListTokensDto extends NumberedPageQueryDto {
  @ApiPropertyOptional({ description: 'Only the tokens of this user.' })
  @MayBeAbsent()
  @IsUserId()
  ownerId?: string;
}
