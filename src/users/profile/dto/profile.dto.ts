import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { roles, type Role } from '../../../common/owner.js';
import { MayBeAbsentOrNull } from '../../../infrastructure/http/optional.js';
import { IsText } from '../../../infrastructure/http/text-rules.js';
import type { UserDetails } from '../../user-directory.repository.js';
import { IsLocale, IsTimeZone, maxSystemPrompt } from '../profile-rules.js';

/** A person as they show themselves, and what they prefer. */
export class ProfileDto {
  @ApiProperty()
  readonly username: string;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The chosen name, else the one that the identity provider gives.',
  })
  readonly displayName: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'As the identity provider has it.' })
  readonly email: string | null;

  @ApiProperty({ enum: roles })
  readonly role: Role;

  @ApiProperty({ type: 'string', nullable: true, description: 'BCP 47.', example: 'en-GB' })
  readonly locale: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'IANA.', example: 'Europe/London' })
  readonly timeZone: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Given to models when a message comes without one.',
  })
  readonly systemPrompt: string | null;

  constructor(user: UserDetails) {
    this.username = user.username;
    this.displayName = user.displayName;
    this.email = user.email;
    this.role = user.role;
    this.locale = user.locale;
    this.timeZone = user.timeZone;
    this.systemPrompt = user.systemPrompt;
  }
}

/** What is left out stays as it is; null is as if nothing had been chosen. */
export class ChangeProfileDto {
  @ApiPropertyOptional({ type: 'string', nullable: true, minLength: 1, maxLength: 200 })
  @MayBeAbsentOrNull()
  @IsText({ maximum: 200 })
  displayName?: string | null;

  @ApiPropertyOptional({ type: 'string', nullable: true, description: 'BCP 47.', example: 'en-GB' })
  @MayBeAbsentOrNull()
  @IsLocale()
  locale?: string | null;

  @ApiPropertyOptional({ type: 'string', nullable: true, description: 'IANA.', example: 'Europe/London' })
  @MayBeAbsentOrNull()
  @IsTimeZone()
  timeZone?: string | null;

  @ApiPropertyOptional({ type: 'string', nullable: true, minLength: 1, maxLength: maxSystemPrompt })
  @MayBeAbsentOrNull()
  @IsText({ maximum: maxSystemPrompt })
  systemPrompt?: string | null;
}
