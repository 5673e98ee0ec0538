import { ApiProperty } from '@nestjs/swagger';

/** What a client may offer the caller. */
class FeaturesDto {
  @ApiProperty({ description: 'Have models answer.' })
  readonly chat!: boolean;

  @ApiProperty({ description: 'Issue API tokens, with this credential.' })
  readonly issueTokens!: boolean;

  @ApiProperty({ description: 'Manage aliases of models.' })
  readonly manageModels!: boolean;

  @ApiProperty({ description: 'Administer the users of the tenant.' })
  readonly manageUsers!: boolean;

  @ApiProperty({ description: 'Administer tenants.' })
  readonly manageTenants!: boolean;

  @ApiProperty({ description: 'People may log in with a password of Parley.' })
  readonly localLogin!: boolean;
}

/** In what the names say; characters are UTF-16 units. */
class LimitsDto {
  @ApiProperty({ type: 'integer' })
  readonly bodyBytes!: number;

  @ApiProperty({ type: 'integer' })
  readonly messageCharacters!: number;

  @ApiProperty({ type: 'integer' })
  readonly answerCharacters!: number;

  @ApiProperty({ type: 'integer', description: 'Of the profile.' })
  readonly systemPromptCharacters!: number;

  @ApiProperty({ type: 'integer' })
  readonly tokenLifetimeDays!: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: 'Requests per minute by name of the limit; 0 for no limit.',
  })
  readonly requestsPerMinute!: Readonly<Record<string, number>>;
}

export class CapabilitiesDto {
  @ApiProperty({ type: FeaturesDto })
  readonly features: FeaturesDto;

  @ApiProperty({ type: LimitsDto })
  readonly limits: LimitsDto;

  constructor(features: FeaturesDto, limits: LimitsDto) {
    this.features = features;
    this.limits = limits;
  }
}
