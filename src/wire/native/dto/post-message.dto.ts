import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, ValidateBy } from 'class-validator';
import { fromWireId } from '../../../common/ids.js';
import { MayBeAbsent, MayBeAbsentOrNull } from '../../../infrastructure/http/optional.js';
import { IsText } from '../../../infrastructure/http/text-rules.js';
import { MessageDto } from '../../../messages/dto/message.dto.js';
import { maxMessageCharacters } from '../../../messages/message.js';
import { AnswerWishDto } from '../../answer-wish.dto.js';

/** How an answer is asked for: once more, without anything to say. */
export class RegenerateMessageDto extends AnswerWishDto {
  @ApiPropertyOptional({
    default: false,
    description: 'Answer with an event stream instead of the finished pair.',
  })
  @MayBeAbsent()
  @IsBoolean()
  stream: boolean = false;
}

export class PostMessageDto extends RegenerateMessageDto {
  @ApiProperty({ minLength: 1, maxLength: maxMessageCharacters })
  @IsText({ maximum: maxMessageCharacters })
  content!: string;

  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    description:
      'The answer that the message follows; null to begin anew. The end of the current branch when left out. Another one makes a branch.',
  })
  @MayBeAbsentOrNull()
  @ValidateBy({
    name: 'isMessageId',
    validator: {
      validate: (value) => typeof value === 'string' && fromWireId('message', value) !== undefined,
      defaultMessage: () => '$property must be the id of a message',
    },
  })
  parentId?: string | null;
}

/** A message of a person with its finished answer. */
export class ExchangeDto {
  @ApiProperty({ type: MessageDto })
  readonly userMessage: MessageDto;

  @ApiProperty({ type: MessageDto })
  readonly assistantMessage: MessageDto;

  constructor(userMessage: MessageDto, assistantMessage: MessageDto) {
    this.userMessage = userMessage;
    this.assistantMessage = assistantMessage;
  }
}
