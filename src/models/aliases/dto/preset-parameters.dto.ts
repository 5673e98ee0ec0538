import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsNumber, IsObject, Max, Min, ValidateNested } from 'class-validator';
import { MayBeAbsent } from '../../../infrastructure/http/optional.js';
import { IsText } from '../../../infrastructure/http/text-rules.js';
import type { PresetParameters } from '../../model-route.js';
import { AreStopTexts } from './alias-rules.js';

const maxTokens = 10_000_000;

class PresetReasoningDto {
  @ApiPropertyOptional({ example: 'low', minLength: 1, maxLength: 40 })
  @MayBeAbsent()
  @IsText({ maximum: 40 })
  effort?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: maxTokens, description: '0 to not think.' })
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(maxTokens)
  budgetTokens?: number;
}

/** What an alias fills in where a request says nothing. */
export class PresetParametersDto implements PresetParameters {
  @ApiPropertyOptional({ description: 'Within the range of each model that the alias leads to.' })
  @MayBeAbsent()
  @IsNumber()
  temperature?: number;

  @ApiPropertyOptional({ minimum: 0, maximum: 1 })
  @MayBeAbsent()
  @IsNumber()
  @Min(0)
  @Max(1)
  topP?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 1_000_000 })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  topK?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: maxTokens, description: 'In tokens.' })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(maxTokens)
  maxOutputTokens?: number;

  @ApiPropertyOptional({ type: [String], minItems: 1, maxItems: 16 })
  @MayBeAbsent()
  @AreStopTexts()
  stop?: string[];

  @ApiPropertyOptional({ type: 'integer' })
  @MayBeAbsent()
  @IsInt()
  @Min(Number.MIN_SAFE_INTEGER)
  @Max(Number.MAX_SAFE_INTEGER)
  seed?: number;

  @ApiPropertyOptional({ minimum: -2, maximum: 2 })
  @MayBeAbsent()
  @IsNumber()
  @Min(-2)
  @Max(2)
  presencePenalty?: number;

  @ApiPropertyOptional({ minimum: -2, maximum: 2 })
  @MayBeAbsent()
  @IsNumber()
  @Min(-2)
  @Max(2)
  frequencyPenalty?: number;

  @ApiPropertyOptional({ type: PresetReasoningDto })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => PresetReasoningDto)
  reasoning?: PresetReasoningDto;
}
