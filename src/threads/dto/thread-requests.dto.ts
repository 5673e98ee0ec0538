import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn } from 'class-validator';
import { MayBeAbsent } from '../../infrastructure/http/optional.js';
import { PageQueryDto } from '../../infrastructure/http/page-query.dto.js';
import { IsText } from '../../infrastructure/http/text-rules.js';

const titleLength = 200;
const queryLength = 500;
const orders = ['relevance', 'created_at', 'updated_at'] as const;

export class CreateThreadDto {
  @ApiPropertyOptional({ minLength: 1, maxLength: titleLength })
  @MayBeAbsent()
  @IsText({ maximum: titleLength })
  title?: string;
}

export class ChangeThreadDto {
  @ApiPropertyOptional({ minLength: 1, maxLength: titleLength })
  @MayBeAbsent()
  @IsText({ maximum: titleLength })
  title?: string;

  @ApiPropertyOptional()
  @MayBeAbsent()
  @IsBoolean()
  archived?: boolean;
}

export class RenameThreadDto {
  @ApiProperty({ minLength: 1, maxLength: titleLength })
  @IsText({ maximum: titleLength })
  title!: string;
}

export class ListThreadsDto extends PageQueryDto {
  @ApiPropertyOptional({
    ...{ minLength: 1, maxLength: queryLength },
    description:
      'Words, "phrases", `or`, and `-` before what must not be there: in titles, summaries and messages.',
  })
  @MayBeAbsent()
  @IsText({ maximum: queryLength })
  q?: string;

  @ApiPropertyOptional({
    enum: orders,
    description: '`relevance` with `q` only, and then the default; `updated_at` otherwise.',
  })
  @MayBeAbsent()
  @IsIn(orders)
  orderBy?: (typeof orders)[number];

  @ApiPropertyOptional({ enum: ['asc', 'desc'], default: 'desc' })
  @IsIn(['asc', 'desc'])
  order: 'asc' | 'desc' = 'desc';

  @ApiPropertyOptional({ enum: ['true', 'false', 'all'], default: 'false' })
  @IsIn(['true', 'false', 'all'])
  archived: 'true' | 'false' | 'all' = 'false';
}
