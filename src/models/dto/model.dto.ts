import { ApiProperty } from '@nestjs/swagger';
import type { ModelInfo, TemperatureRange } from '../../llm-providers/contract/model-info.js';

class TemperatureDto {
  @ApiProperty()
  readonly min: number;

  @ApiProperty()
  readonly max: number;

  @ApiProperty()
  readonly step: number;

  @ApiProperty()
  readonly default: number;

  constructor(range: TemperatureRange) {
    this.min = range.min;
    this.max = range.max;
    this.step = range.step;
    this.default = range.default;
  }
}

/** A model that the caller may use. Null means that nobody said, not that there is no limit. */
export class ModelDto {
  @ApiProperty({ example: 'demo' })
  readonly id: string;

  @ApiProperty()
  readonly name: string;

  @ApiProperty({ example: 'openai' })
  readonly provider: string;

  @ApiProperty({ type: [String] })
  readonly capabilities: readonly string[];

  @ApiProperty({ type: 'integer', nullable: true, description: 'Input and output together, in tokens.' })
  readonly contextLength: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'In tokens.' })
  readonly maxOutputTokens: number | null;

  @ApiProperty({ type: TemperatureDto })
  readonly temperature: TemperatureDto;

  constructor(model: ModelInfo) {
    this.id = model.id;
    this.name = model.name;
    this.provider = model.provider;
    this.capabilities = model.capabilities;
    this.contextLength = model.contextLength ?? null;
    this.maxOutputTokens = model.maxOutputTokens ?? null;
    this.temperature = new TemperatureDto(model.temperature);
  }
}
