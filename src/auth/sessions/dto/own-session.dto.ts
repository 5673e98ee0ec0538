import { ApiProperty } from '@nestjs/swagger';
import { toWireId } from '../../../common/ids.js';
import type { Session } from '../session.entity.js';

/** One of the caller's own sessions, for them to recognise. */
export class OwnSessionDto {
  @ApiProperty()
  readonly id: string;

  @ApiProperty({ description: 'Whether it is the session that asks.' })
  readonly current: boolean;

  @ApiProperty({ type: String, nullable: true, description: 'What the browser calls itself (User-Agent).' })
  readonly device: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Where it was opened from.' })
  readonly ip: string | null;

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;

  @ApiProperty({ format: 'date-time', description: 'When it was opened or last refreshed.' })
  readonly lastSeenAt: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When the person last proved who they are; null when the identity provider did not tell.',
  })
  readonly authenticatedAt: string | null;

  @ApiProperty({ format: 'date-time', description: 'When it ends unless it is used before.' })
  readonly idleExpiresAt: string;

  @ApiProperty({ format: 'date-time', description: 'When it ends in any case.' })
  readonly expiresAt: string;

  constructor(session: Session, currentId: string | undefined) {
    this.id = toWireId('session', session.id);
    this.current = session.id === currentId;
    this.device = session.userAgent;
    this.ip = session.ip;
    this.createdAt = session.createdAt.toISOString();
    this.lastSeenAt = session.lastSeenAt.toISOString();
    this.authenticatedAt = session.authenticatedAt?.toISOString() ?? null;
    this.idleExpiresAt = session.idleExpiresAt.toISOString();
    this.expiresAt = session.expiresAt.toISOString();
  }
}

export class EndedSessionsDto {
  @ApiProperty({ type: 'integer' })
  readonly endedSessions: number;

  constructor(endedSessions: number) {
    this.endedSessions = endedSessions;
  }
}
