import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsIn } from 'class-validator';
import { IsWireId } from '../../infrastructure/http/id-rules.js';
import { MayBeAbsent } from '../../infrastructure/http/optional.js';
import { IsText } from '../../infrastructure/http/text-rules.js';
import { IsTime } from '../../infrastructure/http/time-rules.js';
import { groupings, type Grouping } from '../usage-report.js';

/** Which calls. */
export class UsageRangeDto {
  @ApiPropertyOptional({ format: 'date-time', description: 'Thirty days before `to` when it is left out.' })
  @MayBeAbsent()
  @IsTime()
  from?: string;

  @ApiPropertyOptional({
    format: 'date-time',
    description: 'Nothing at this time or later; now when it is left out.',
  })
  @MayBeAbsent()
  @IsTime()
  to?: string;

  @ApiPropertyOptional({ description: 'Of one person.' })
  @MayBeAbsent()
  @IsWireId('user')
  userId?: string;

  @ApiPropertyOptional({ description: 'Of one API token.' })
  @MayBeAbsent()
  @IsWireId('token')
  tokenId?: string;

  @ApiPropertyOptional({ maxLength: 200, description: 'The name that was asked for.' })
  @MayBeAbsent()
  @IsText({ maximum: 200 })
  modelId?: string;

  @ApiPropertyOptional({ enum: ['true', 'false'], description: 'For admins of the default tenant.' })
  @MayBeAbsent()
  @IsIn(['true', 'false'])
  allTenants?: 'true' | 'false';
}

export class UsageReportDto extends UsageRangeDto {
  @ApiPropertyOptional({
    description: `Any of ${groupings.join(', ')}, separated by commas; \`day\` when it is left out.`,
    type: 'string',
    example: 'day,model',
  })
  @MayBeAbsent()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.split(',') : value))
  @ArrayMaxSize(groupings.length)
  @IsIn(groupings, { each: true })
  groupBy?: Grouping[];
}
