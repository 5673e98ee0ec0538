import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { toWireId } from '../../common/ids.js';
import type { DeletedThreads } from '../bulk-threads.service.js';
import type { SearchKind } from '../search/search-document.entity.js';
import type { Match } from '../search/thread-search.service.js';
import type { ThreadModel } from '../thread-model.entity.js';
import type { ThreadWithModels } from '../threads.service.js';

class RangeDto {
  @ApiProperty({ type: 'integer' })
  readonly start!: number;

  @ApiProperty({ type: 'integer', description: 'Not included.' })
  readonly end!: number;
}

/** Where a thread answers a search best. */
class MatchDto {
  @ApiProperty({ enum: ['title', 'summary', 'message'] })
  readonly kind: SearchKind;

  @ApiProperty({ type: 'string', nullable: true, description: 'When `kind` is message.' })
  readonly messageId: string | null;

  @ApiProperty({ description: 'Some of what is said there: plain text, never markup.' })
  readonly text: string;

  @ApiProperty({ type: [RangeDto], description: 'What to highlight in `text`, in UTF-16 units.' })
  readonly ranges: readonly RangeDto[];

  constructor({ kind, messageId, text, ranges }: Match) {
    this.kind = kind;
    this.messageId = messageId === null ? null : toWireId('message', messageId);
    this.text = text;
    this.ranges = ranges;
  }
}

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

  @ApiPropertyOptional({ description: 'Only of a search.' })
  readonly match?: MatchDto;

  constructor({ thread, models, match }: ThreadWithModels) {
    this.id = toWireId('thread', thread.id);
    this.title = thread.title;
    this.archived = thread.archived;
    this.messageCount = thread.messageCount;
    this.lastMessagePreview = thread.lastMessagePreview;
    this.activeModels = models.map(({ modelId }) => modelId);
    this.createdAt = thread.createdAt.toISOString();
    this.updatedAt = thread.updatedAt.toISOString();
    if (match !== undefined) this.match = new MatchDto(match);
  }
}

class ThreadModelDto {
  @ApiProperty({ type: 'integer' })
  readonly messageCount: number;

  @ApiProperty({ format: 'date-time' })
  readonly lastMessageAt: string;

  @ApiProperty({ type: 'string', nullable: true })
  readonly summary: string | null;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  readonly summaryUpdatedAt: string | null;

  constructor(model: ThreadModel) {
    this.messageCount = model.messageCount;
    this.lastMessageAt = model.lastMessageAt.toISOString();
    this.summary = model.summary;
    this.summaryUpdatedAt = model.summaryUpdatedAt?.toISOString() ?? null;
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

export class ArchivedThreadsDto {
  @ApiProperty({ type: 'integer' })
  readonly archivedThreads: number;

  constructor(archivedThreads: number) {
    this.archivedThreads = archivedThreads;
  }
}

export class DeletedThreadsDto {
  @ApiProperty({ type: 'integer' })
  readonly deletedThreads: number;

  @ApiProperty({ type: 'integer' })
  readonly deletedMessages: number;

  constructor({ threads, messages }: DeletedThreads) {
    this.deletedThreads = threads;
    this.deletedMessages = messages;
  }
}
