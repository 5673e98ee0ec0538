import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { PageQueryDto } from '../../infrastructure/http/page-query.dto.js';

export class ListMessagesDto extends PageQueryDto {
  @ApiPropertyOptional({ enum: ['asc', 'desc'], default: 'asc', description: 'Oldest or newest first.' })
  @IsIn(['asc', 'desc'])
  order: 'asc' | 'desc' = 'asc';

  @ApiPropertyOptional({
    enum: ['current', 'all'],
    default: 'current',
    description: 'The branch that the conversation goes on with, or all of them: `parentId` makes a tree.',
  })
  @IsIn(['current', 'all'])
  branch: 'current' | 'all' = 'current';
}
