import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { toWireId } from '../../common/ids.js';
import type { ThreadModel } from '../thread-model.entity.js';
import type { ThreadWithModels } from '../threads.service.js';

/** A thread as its owner sees it in lists. */
export class ThreadDto {
  @ApiProperty({ example: 'thread_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly id: string;

  @ApiProperty()
  readonly title: string;

  @ApiProperty()
  readonly archived: boolean;

  @ApiProperty({ type: 'integer' })
  readonly messageCount: number;

  @ApiProperty({ type: 'string', nullable: true })
  readonly lastMessagePreview: string | null;

  @ApiProperty({ type: [String], description: 'Models that have messages in the thread.' })
  readonly activeModels: readonly string[];

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;

  @ApiProperty({ format: 'date-time' })
  readonly updatedAt: string;

  constructor({ thread, models }: ThreadWithModels) {
    this.id = toWireId('thread', thread.id);
    this.title = thread.title;
    this.archived = thread.archived;
    this.messageCount = thread.messageCount;
    this.lastMessagePreview = thread.lastMessagePreview;
    this.activeModels = models.map(({ modelId }) => modelId);
    this.createdAt = thread.createdAt.toISOString();
    this.updatedAt = thread.updatedAt.toISOString();
  }
}

class ThreadModelDto {
  @ApiProperty({ type: 'integer' })
  readonly messageCount: number;

  @ApiProperty({ format: 'date-time' })
  readonly lastMessageAt: string;

  constructor(model: ThreadModel) {
    this.messageCount = model.messageCount;
    this.lastMessageAt = model.lastMessageAt.toISOString();
  }
}

/** A thread with what each model has of it. */
@ApiExtraModels(ThreadModelDto)
export class ThreadDetailDto extends ThreadDto {
  @ApiProperty({ type: 'object', additionalProperties: { $ref: getSchemaPath(ThreadModelDto) } })
  readonly models: Readonly<Record<string, ThreadModelDto>>;

  constructor(view: ThreadWithModels) {
    super(view);
    this.models = Object.fromEntries(view.models.map((model) => [model.modelId, new ThreadModelDto(model)]));
  }
}

export class DeletedThreadDto {
  @ApiProperty({ description: 'Id of the thread.' })
  readonly deletedThread: string;

  @ApiProperty({ type: 'integer' })
  readonly deletedMessages: number;

  constructor(threadId: string, deletedMessages: number) {
    this.deletedThread = toWireId('thread', threadId);
    this.deletedMessages = deletedMessages;
  }
}
