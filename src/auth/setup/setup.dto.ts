import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, ValidateNested } from 'class-validator';
import { MayBeAbsent } from '../../infrastructure/http/optional.js';
import { IsText } from '../../infrastructure/http/text-rules.js';
import { AccountDto } from '../local/dto/local-login.dto.js';

export class SetUpDto {
  @ApiProperty({ maxLength: 200, description: 'As printed at start.' })
  @IsText({ maximum: 200 })
  readonly token!: string;

  @ApiPropertyOptional({
    type: AccountDto,
    description: 'The local account of the admin; without it, whoever is logged in becomes the admin.',
  })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => AccountDto)
  readonly account?: AccountDto;
}
