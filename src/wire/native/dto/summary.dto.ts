import { ApiProperty } from '@nestjs/swagger';
import type { Summary } from '../../../generation/summaries/summaries.service.js';

/** A summary that was just made. */
export class SummaryDto {
  @ApiProperty()
  readonly summary: string;

  @ApiProperty({ description: 'Of the summary, as the model counted them, or estimated.' })
  readonly tokens: number;

  @ApiProperty({ format: 'date-time' })
  readonly generatedAt: string;

  @ApiProperty({ description: 'The model that wrote it.' })
  readonly modelUsed: string;

  constructor({ text, tokens, at, modelId }: Summary) {
    this.summary = text;
    this.tokens = tokens;
    this.generatedAt = at.toISOString();
    this.modelUsed = modelId;
  }
}
