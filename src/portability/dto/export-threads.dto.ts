import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import type { ExportFormat } from '../export/thread-export.service.js';

const formats = ['json', 'markdown'] as const satisfies readonly ExportFormat[];

export class ExportThreadsDto {
  @ApiPropertyOptional({
    enum: formats,
    default: 'json',
    description:
      '`json` has everything and can be imported (docs/export-format.md); `markdown` is for people to read.',
  })
  @IsIn(formats)
  format: ExportFormat = 'json';
}
