import { ApiProperty } from '@nestjs/swagger';
import { toWireId, type IdKind } from '../../common/ids.js';
import type { Grouping, Latency, UsageGroup } from '../usage-report.js';

class LatencyDto implements Latency {
  @ApiProperty({ type: 'integer', nullable: true, description: 'In milliseconds, to a tenth of it.' })
  readonly p50: number | null;

  @ApiProperty({ type: 'integer', nullable: true })
  readonly p95: number | null;

  constructor({ p50, p95 }: Latency) {
    this.p50 = p50;
    this.p95 = p95;
  }
}

class UsedTokensDto {
  @ApiProperty({ type: 'integer', description: 'Of whole prompts, with what was read from a cache.' })
  readonly input: number;

  @ApiProperty({ type: 'integer', description: 'Of whole answers, with reasoning.' })
  readonly output: number;

  @ApiProperty({ type: 'integer' })
  readonly cachedInput: number;

  @ApiProperty({ type: 'integer' })
  readonly cacheWrite: number;

  @ApiProperty({ type: 'integer' })
  readonly reasoning: number;

  constructor(group: UsageGroup) {
    this.input = group.inputTokens;
    this.output = group.outputTokens;
    this.cachedInput = group.cachedInputTokens;
    this.cacheWrite = group.cacheWriteTokens;
    this.reasoning = group.reasoningTokens;
  }
}

/** Calls that are alike in what the report is grouped by. */
export class UsageGroupDto {
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string', nullable: true },
    example: { day: '2026-11-21', model: 'gpt-4o' },
  })
  readonly key: Readonly<Partial<Record<Grouping, string | null>>>;

  @ApiProperty({ type: 'integer' })
  readonly requests: number;

  @ApiProperty({ type: 'integer', description: 'Of the requests, those that failed or were cut off.' })
  readonly errors: number;

  @ApiProperty({ type: UsedTokensDto })
  readonly tokens: UsedTokensDto;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: 'By currency, in millionths of it.',
    example: { USD: 1_250_000 },
  })
  readonly cost: Readonly<Record<string, number>>;

  @ApiProperty({ type: LatencyDto })
  readonly firstToken: LatencyDto;

  @ApiProperty({ type: LatencyDto })
  readonly duration: LatencyDto;

  constructor(group: UsageGroup) {
    this.key = wireKey(group.key);
    this.requests = group.requests;
    this.errors = group.errors;
    this.tokens = new UsedTokensDto(group);
    this.cost = group.cost;
    this.firstToken = new LatencyDto(group.firstToken);
    this.duration = new LatencyDto(group.duration);
  }
}

const idKinds: Readonly<Partial<Record<string, IdKind>>> = { user: 'user', token: 'token', tenant: 'tenant' };

function wireKey(key: UsageGroup['key']): UsageGroup['key'] {
  const entries = Object.entries(key).map(([grouping, value]) => {
    const kind = idKinds[grouping];
    return [grouping, kind === undefined || value === null ? value : toWireId(kind, value)];
  });
  return Object.fromEntries(entries) as UsageGroup['key']; // The same keys.
}
