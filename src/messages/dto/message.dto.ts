import { ApiProperty } from '@nestjs/swagger';
import { toWireId } from '../../common/ids.js';
import type { Message } from '../message.entity.js';
import type { MessagePart } from '../message.js';

class UsageDto {
  @ApiProperty({ type: 'integer', nullable: true })
  readonly inputTokens: number | null;

  @ApiProperty({ type: 'integer', nullable: true })
  readonly outputTokens: number | null;

  @ApiProperty({ type: 'integer', nullable: true })
  readonly cachedTokens: number | null;

  constructor(message: Message) {
    this.inputTokens = message.inputTokens;
    this.outputTokens = message.outputTokens;
    this.cachedTokens = message.cachedTokens;
  }
}

class CostDto {
  @ApiProperty({ type: 'integer', description: 'In millionths of the currency.' })
  readonly micros: number;

  @ApiProperty({ description: 'ISO 4217.' })
  readonly currency: string;

  constructor(micros: number, currency: string) {
    this.micros = micros;
    this.currency = currency;
  }
}

/** A message as its owner sees it. What concerns generation is null on messages of people. */
export class MessageDto {
  @ApiProperty({ example: 'msg_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly id: string;

  @ApiProperty()
  readonly threadId: string;

  @ApiProperty()
  readonly modelId: string;

  @ApiProperty({ type: 'string', nullable: true })
  readonly parentId: string | null;

  @ApiProperty({ enum: ['user', 'assistant', 'system', 'tool'] })
  readonly role: string;

  @ApiProperty({ enum: ['pending', 'streaming', 'complete', 'interrupted', 'cancelled', 'error'] })
  readonly status: string;

  @ApiProperty({ description: 'All text of the message.' })
  readonly content: string;

  @ApiProperty({ type: 'array', items: { type: 'object' }, description: 'The content in order, by kind.' })
  readonly parts: readonly MessagePart[];

  @ApiProperty({ type: 'string', nullable: true })
  readonly provider: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The model that answered, in the vendor’s words.',
  })
  readonly providerModel: string | null;

  @ApiProperty({ type: 'number', nullable: true })
  readonly temperature: number | null;

  @ApiProperty({ type: UsageDto, description: 'Null where the provider did not report.' })
  readonly usage: UsageDto;

  @ApiProperty({ type: CostDto, nullable: true, description: 'Null where nobody said what it costs.' })
  readonly cost: CostDto | null;

  @ApiProperty({ type: 'string', nullable: true })
  readonly finishReason: string | null;

  @ApiProperty({ type: 'string', nullable: true })
  readonly providerFinishReason: string | null;

  @ApiProperty({ type: 'integer', nullable: true })
  readonly timeToFirstTokenMs: number | null;

  @ApiProperty({ type: 'integer', nullable: true })
  readonly durationMs: number | null;

  @ApiProperty({ type: 'string', nullable: true })
  readonly errorCode: string | null;

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;

  @ApiProperty({ format: 'date-time' })
  readonly updatedAt: string;

  constructor(message: Message) {
    this.id = toWireId('message', message.id);
    this.threadId = toWireId('thread', message.threadId);
    this.modelId = message.modelId;
    this.parentId = message.parentId === null ? null : toWireId('message', message.parentId);
    this.role = message.role;
    this.status = message.status;
    this.content = message.content;
    this.parts = message.parts;
    this.provider = message.provider;
    this.providerModel = message.providerModel;
    this.temperature = message.temperature;
    this.usage = new UsageDto(message);
    this.cost = costOf(message);
    this.finishReason = message.finishReason;
    this.providerFinishReason = message.providerFinishReason;
    this.timeToFirstTokenMs = message.timeToFirstTokenMs;
    this.durationMs = message.durationMs;
    this.errorCode = message.errorCode;
    this.createdAt = message.createdAt.toISOString();
    this.updatedAt = message.updatedAt.toISOString();
  }
}

function costOf({ costMicros, currency }: Message): CostDto | null {
  return costMicros === null || currency === null ? null : new CostDto(Number(costMicros), currency);
}
