import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { roles, type Role } from '../../../common/owner.js';
import { MayBeAbsent, MayBeAbsentOrNull } from '../../../infrastructure/http/optional.js';
import { IsText } from '../../../infrastructure/http/text-rules.js';
import { isGroupName } from '../../../users/group-names.js';
import { maxSystemPrompt } from '../../../users/profile/profile-rules.js';
import {
  modelCapabilities,
  type ModelCapability,
  type TemperatureRange,
} from '../../../llm-providers/contract/model-info.js';

const nameLength = 200;
const maxTokens = 1_000_000_000;
const maxPrice = 1_000_000_000_000;
const maxTemperature = 100;
const maxGroups = 100;

const price = { type: 'integer', minimum: 0, maximum: maxPrice } as const;

class OverridePricingDto {
  @ApiProperty({ example: 'USD', pattern: '^[A-Z]{3}$' })
  @Matches(/^[A-Z]{3}$/)
  currency!: string;

  @ApiProperty({ ...price, description: 'All in micro-units for a million tokens.' })
  @IsInt()
  @Min(0)
  @Max(maxPrice)
  input!: number;

  @ApiProperty(price)
  @IsInt()
  @Min(0)
  @Max(maxPrice)
  output!: number;

  @ApiPropertyOptional(price)
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(maxPrice)
  cachedRead?: number;

  @ApiPropertyOptional(price)
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(maxPrice)
  cachedWrite?: number;
}

class OverrideTemperatureDto {
  @ApiProperty({ minimum: 0, maximum: maxTemperature })
  @IsNumber()
  @Min(0)
  @Max(maxTemperature)
  min!: number;

  @ApiProperty({
    minimum: 0,
    maximum: maxTemperature,
    description: 'The same as `min` for one that takes none.',
  })
  @IsNumber()
  @Min(0)
  @Max(maxTemperature)
  max!: number;

  @ApiProperty({ minimum: 0.000_001, maximum: maxTemperature })
  @IsNumber()
  @Min(0.000_001)
  @Max(maxTemperature)
  step!: number;

  @ApiProperty({ minimum: 0, maximum: maxTemperature })
  @IsNumber()
  @Min(0)
  @Max(maxTemperature)
  default!: number;
}

/** The default within the limits, and the limits in order. What is not numbers is told by the rules of the fields. */
const IsRange = (): PropertyDecorator =>
  ValidateBy({
    name: 'isRange',
    validator: {
      validate: (value: Partial<TemperatureRange> | undefined) => {
        const { min, max, default: usual } = value ?? {};
        const isComplete = min !== undefined && max !== undefined && usual !== undefined;
        return !isComplete || (min <= usual && usual <= max);
      },
      defaultMessage: () => '$property must have its default between min and max',
    },
  });

/**
 * What an admin says of a model of the catalogue, instead of vendor and curated table. What is left out stays as it is; null takes
 * back what was said of a field.
 */
export class OverrideModelDto {
  @ApiPropertyOptional({ type: 'string', nullable: true, minLength: 1, maxLength: nameLength })
  @MayBeAbsentOrNull()
  @IsText({ maximum: nameLength })
  name?: string | null;

  @ApiPropertyOptional({ type: 'integer', nullable: true, minimum: 1, maximum: maxTokens })
  @MayBeAbsentOrNull()
  @IsInt()
  @Min(1)
  @Max(maxTokens)
  contextLength?: number | null;

  @ApiPropertyOptional({ type: 'integer', nullable: true, minimum: 1, maximum: maxTokens })
  @MayBeAbsentOrNull()
  @IsInt()
  @Min(1)
  @Max(maxTokens)
  maxOutputTokens?: number | null;

  @ApiPropertyOptional({ type: OverridePricingDto, nullable: true })
  @MayBeAbsentOrNull()
  @IsObject()
  @ValidateNested()
  @Type(() => OverridePricingDto)
  pricing?: OverridePricingDto | null;

  @ApiPropertyOptional({ type: OverrideTemperatureDto, nullable: true })
  @MayBeAbsentOrNull()
  @IsObject()
  @ValidateNested()
  @IsRange()
  @Type(() => OverrideTemperatureDto)
  temperature?: OverrideTemperatureDto | null;

  @ApiPropertyOptional({ enum: modelCapabilities, isArray: true, nullable: true, minItems: 1 })
  @MayBeAbsentOrNull()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayUnique()
  @IsIn(modelCapabilities, { each: true })
  capabilities?: ModelCapability[] | null;

  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    minLength: 1,
    maxLength: maxSystemPrompt,
    description: 'For threads, where neither the request nor an alias nor the profile has one.',
  })
  @MayBeAbsentOrNull()
  @IsText({ maximum: maxSystemPrompt })
  systemPrompt?: string | null;

  @ApiPropertyOptional({
    type: 'boolean',
    nullable: true,
    description: 'Only for those who bring their own key.',
  })
  @MayBeAbsentOrNull()
  @IsBoolean()
  apiKeyRequired?: boolean | null;

  @ApiPropertyOptional({ type: 'boolean', nullable: true })
  @MayBeAbsentOrNull()
  @IsBoolean()
  requiresLoading?: boolean | null;

  @ApiPropertyOptional({
    enum: roles,
    isArray: true,
    nullable: true,
    description: 'Who may use it, beside admins: these roles, and whoever is in one of `groups`.',
  })
  @MayBeAbsentOrNull()
  @IsArray()
  @ArrayUnique()
  @IsIn(roles, { each: true })
  roles?: Role[] | null;

  @ApiPropertyOptional({
    type: [String],
    nullable: true,
    maxItems: maxGroups,
    description: 'Groups as the identity provider names them.',
  })
  @MayBeAbsentOrNull()
  @IsArray()
  @ArrayMaxSize(maxGroups)
  @ArrayUnique()
  @ValidateBy(
    {
      name: 'isGroupName',
      validator: { validate: isGroupName, defaultMessage: () => '$property must be names' },
    },
    { each: true },
  )
  groups?: string[] | null;

  @ApiPropertyOptional({ type: 'boolean', nullable: true, description: 'Not listed for others than admins.' })
  @MayBeAbsentOrNull()
  @IsBoolean()
  hidden?: boolean | null;
}
