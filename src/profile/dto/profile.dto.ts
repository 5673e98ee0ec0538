import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { roles, type Role } from '../../common/owner.js';
import { MayBeAbsentOrNull } from '../../infrastructure/http/optional.js';
import { IsText } from '../../infrastructure/http/text-rules.js';
import { PersonalKeyDto } from '../../models/personal-keys/dto/personal-keys.dto.js';
import type { KeySlot } from '../../models/personal-keys/known-personal-keys.service.js';
import { IsLocale, IsTimeZone, maxSystemPrompt } from '../../users/profile/profile-rules.js';
import type { UserDetails } from '../../users/current-users.service.js';

/** A person as they show themselves, and what they prefer. */
@ApiExtraModels(PersonalKeyDto)
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

  @ApiProperty({
    type: 'object',
    additionalProperties: { $ref: getSchemaPath(PersonalKeyDto) },
    description: 'By the name of the provider: keys of their own that people may or must give.',
  })
  readonly apiKeys: Readonly<Record<string, PersonalKeyDto>>;

  constructor(user: UserDetails, apiKeys: readonly KeySlot[]) {
    this.username = user.username;
    this.displayName = user.displayName;
    this.email = user.email;
    this.role = user.role;
    this.locale = user.locale;
    this.timeZone = user.timeZone;
    this.systemPrompt = user.systemPrompt;
    this.apiKeys = Object.fromEntries(apiKeys.map((slot) => [slot.provider, new PersonalKeyDto(slot)]));
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
