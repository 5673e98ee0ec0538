import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';
import { isModelId } from '../../infrastructure/http/model-id.pipe.js';
import { MayBeAbsent } from '../../infrastructure/http/optional.js';
import type { ImportReport, NotImported, NotImportedList } from '../import/import-report.js';

export class ImportThreadsDto {
  @ApiPropertyOptional({
    minLength: 1,
    maxLength: 200,
    description:
      'The model that goes on with conversations of ChatGPT and Claude; by default the one that answered last in each. Threads of our own format keep theirs.',
  })
  @MayBeAbsent()
  @ValidateBy({
    name: 'isModelId',
    validator: { validate: isModelId, defaultMessage: () => '$property must be the id of a model' },
  })
  modelId?: string;
}

class NotImportedDto implements NotImported<string> {
  @ApiProperty({ type: 'string', nullable: true, description: 'As the file names it.' })
  readonly sourceId!: string | null;

  @ApiProperty({ type: 'string', nullable: true })
  readonly title!: string | null;

  @ApiProperty()
  readonly reason!: string;
}

class NotImportedListDto implements NotImportedList<string> {
  @ApiProperty({ type: 'integer' })
  readonly count!: number;

  @ApiProperty({ type: [NotImportedDto], description: 'The first 1,000 of them.' })
  readonly conversations!: readonly NotImportedDto[];

  @ApiProperty()
  readonly truncated!: boolean;
}

/** What came of an import; also in the details of its errors, as `report`. */
export class ImportReportDto implements ImportReport {
  @ApiProperty({ type: 'string', enum: ['parley', 'chatgpt', 'claude'], nullable: true })
  readonly source!: ImportReport['source'];

  @ApiProperty({ description: 'Whether the file was read to its end.' })
  readonly complete!: boolean;

  @ApiProperty({ type: 'integer', description: 'Found in the file: imported, skipped and refused.' })
  readonly conversations!: number;

  @ApiProperty({ type: 'integer' })
  readonly imported!: number;

  @ApiProperty({ type: 'integer' })
  readonly importedMessages!: number;

  @ApiProperty({ type: NotImportedListDto })
  readonly skipped!: ImportReport['skipped'];

  @ApiProperty({ type: NotImportedListDto })
  readonly refused!: ImportReport['refused'];

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: 'What was left out of imported conversations, by reason: messages, and parts of messages.',
  })
  readonly omitted!: ImportReport['omitted'];

  constructor(report: ImportReport) {
    Object.assign(this, report);
  }
}
