import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';

export class DeleteThreadsDto {
  @ApiProperty({ enum: ['all'], description: 'Says that every thread is meant.' })
  @IsIn(['all'])
  confirm!: 'all';
}
