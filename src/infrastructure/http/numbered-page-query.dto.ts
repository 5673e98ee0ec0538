import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, Max, Min } from 'class-validator';
import { MayBeAbsent } from './optional.js';

/** Far behind the end of any bounded list; keeps what the database skips in range. */
const maxPage = 1_000_000;

/** What every list takes that pages by number. */
export class NumberedPageQueryDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: maxPage, default: 1 })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(maxPage)
  page: number = 1;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: 20 })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  page_size: number = 20;
}
