import { ApiProperty } from '@nestjs/swagger';
import { toWireId } from '../../../common/ids.js';
import type { RouteStatus, TargetStatus } from '../model-statuses.service.js';

const states = ['not_loaded', 'loading', 'loaded', 'error', 'unavailable'];

/** One model of one connection. Null means that there is no such thing, or that nobody says. */
class TargetStatusDto {
  @ApiProperty({ example: 'llama3.2' })
  readonly modelId: string;

  @ApiProperty({ example: 'ollama' })
  readonly provider: string;

  @ApiProperty({
    enum: states,
    description: 'Models that need no loading are `loaded`, and `unavailable` while their circuit is open.',
  })
  readonly status: string;

  @ApiProperty({
    enum: ['closed', 'open', 'half_open'],
    description: 'While it is open the model is not called.',
  })
  readonly circuit: string;

  @ApiProperty({ type: 'number', nullable: true, description: '0 to 1, while it is loading.' })
  readonly progress: number | null;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Of the load that is under way, or that failed.',
  })
  readonly jobId: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'What the loaded model takes, in bytes.' })
  readonly memoryBytes: number | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When Parley last had it loaded.',
  })
  readonly loadedAt: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When the server will unload it.',
  })
  readonly expiresAt: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Why the last load failed, or the status is not known.',
  })
  readonly errorCode: string | null;

  constructor(status: TargetStatus) {
    this.modelId = status.modelId;
    this.provider = status.provider;
    this.status = status.state;
    this.circuit = status.circuit;
    this.progress = status.load?.progress ?? null;
    this.jobId = status.load === undefined ? null : toWireId('load', status.load.id);
    this.memoryBytes = status.memoryBytes ?? null;
    this.loadedAt = status.loadedAt?.toISOString() ?? null;
    this.expiresAt = status.expiresAt?.toISOString() ?? null;
    this.errorCode = status.errorCode ?? null;
  }
}

/** The most usable of the models that a name leads to, and all of them. */
export class ModelStatusDto extends TargetStatusDto {
  @ApiProperty({ description: 'The name that was asked for: of a model, an alias or a router.' })
  readonly id: string;

  @ApiProperty({ type: [TargetStatusDto], description: 'One, but for routers; the most usable first.' })
  readonly targets: readonly TargetStatusDto[];

  constructor({ id, targets }: RouteStatus) {
    super(targets[0]);
    this.id = id;
    this.targets = targets.map((target) => new TargetStatusDto(target));
  }
}

/** A load that was begun, or that is under way. */
export class ModelLoadDto {
  @ApiProperty({ example: 'load_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly jobId: string;

  constructor(id: string) {
    this.jobId = toWireId('load', id);
  }
}
