import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { toWireId } from '../../common/ids.js';
import type { ActorKind, AuditEvent, AuditOutcome } from '../audit-event.entity.js';
import type { ChainVerdict } from '../audit-verification.service.js';
import { breakReasons, type ChainBreak } from '../chain-walk.js';
import type { ChainHead } from '../chain.js';

class ActorDto {
  @ApiProperty({ enum: ['user', 'token', 'system', 'anonymous'] })
  readonly kind: ActorKind;

  @ApiPropertyOptional({ description: 'The user, or the owner of the token.' })
  readonly userId?: string;

  @ApiPropertyOptional()
  readonly tokenId?: string;

  constructor({ actorKind, actorUserId, actorTokenId }: AuditEvent) {
    this.kind = actorKind;
    if (actorUserId !== null) this.userId = toWireId('user', actorUserId);
    if (actorTokenId !== null) this.tokenId = toWireId('token', actorTokenId);
  }
}

class TargetDto {
  @ApiProperty({ type: String, nullable: true })
  readonly kind: string | null;

  @ApiProperty()
  readonly id: string;

  constructor(kind: string | null, id: string) {
    this.kind = kind;
    this.id = id;
  }
}

export class AuditEventDto {
  @ApiProperty({ type: 'integer', description: 'From 1, without gaps, in each tenant.' })
  readonly seq: number;

  @ApiProperty({ format: 'date-time' })
  readonly at: string;

  @ApiProperty({ type: ActorDto })
  readonly actor: ActorDto;

  @ApiProperty()
  readonly action: string;

  @ApiProperty({ type: TargetDto, nullable: true })
  readonly target: TargetDto | null;

  @ApiProperty({ enum: ['success', 'failure'] })
  readonly outcome: AuditOutcome;

  @ApiProperty({ type: String, nullable: true })
  readonly requestId: string | null;

  @ApiProperty({ type: String, nullable: true })
  readonly ip: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  readonly details: object;

  @ApiProperty({ description: 'SHA-256 over this row and the hash of the row before it, in hexadecimal.' })
  readonly hash: string;

  constructor(event: AuditEvent) {
    this.seq = Number(event.seq);
    this.at = event.at.toISOString();
    this.actor = new ActorDto(event);
    this.action = event.action;
    this.target = event.targetId === null ? null : new TargetDto(event.targetKind, event.targetId);
    this.outcome = event.outcome;
    this.requestId = event.requestId;
    this.ip = event.ip;
    this.details = event.details;
    this.hash = event.hash.toString('hex');
  }
}

class ChainHeadDto {
  @ApiProperty({ type: 'integer' })
  readonly seq: number;

  @ApiProperty({ pattern: '^[0-9a-f]{64}$' })
  readonly hash: string;

  constructor({ seq, hash }: ChainHead) {
    this.seq = seq;
    this.hash = hash.toString('hex');
  }
}

class ChainBreakDto {
  @ApiProperty({ type: 'integer' })
  readonly seq: number;

  @ApiProperty({ enum: breakReasons })
  readonly reason: ChainBreak['reason'];

  constructor({ seq, reason }: ChainBreak) {
    this.seq = seq;
    this.reason = reason;
  }
}

export class ChainVerdictDto {
  @ApiProperty()
  readonly intact: boolean;

  @ApiProperty({
    type: 'integer',
    description: 'How many rows from the beginning are as they were recorded.',
  })
  readonly checked: number;

  @ApiProperty({
    type: ChainHeadDto,
    description: 'Keep it elsewhere: it proves later that nothing was rewritten.',
  })
  readonly head: ChainHeadDto;

  @ApiPropertyOptional({ type: ChainBreakDto, description: 'The first row that is not as it was recorded.' })
  readonly broken?: ChainBreakDto;

  constructor({ checked, head, broken }: ChainVerdict) {
    this.intact = broken === undefined;
    this.checked = checked;
    this.head = new ChainHeadDto(head);
    if (broken !== undefined) this.broken = new ChainBreakDto(broken);
  }
}
