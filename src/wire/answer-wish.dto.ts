import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsNumber, Max, Min } from 'class-validator';
import { MayBeAbsent } from '../infrastructure/http/optional.js';
import { IsText } from '../infrastructure/http/text-rules.js';

/** How an answer is to be, through whichever native door. */
export class AnswerWishDto {
  @ApiPropertyOptional({ description: 'Within the range of the model.' })
  @MayBeAbsent()
  @IsNumber()
  temperature?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'In tokens.' })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  maxOutputTokens?: number;

  @ApiPropertyOptional({ minLength: 1, maxLength: 100_000 })
  @MayBeAbsent()
  @IsText({ maximum: 100_000 })
  systemPrompt?: string;
}
