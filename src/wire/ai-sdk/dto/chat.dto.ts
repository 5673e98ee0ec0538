import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsArray, IsIn, IsObject, ValidateBy } from 'class-validator';
import { MayBeAbsent } from '../../../infrastructure/http/optional.js';
import { isModelId } from '../../../infrastructure/http/model-id.pipe.js';
import { AnswerWishDto } from '../../answer-wish.dto.js';
import { isClientId } from '../client-id.js';

const triggers = ['submit-message', 'regenerate-message'] as const;

/** A name that a client has made up, of a conversation or a message. */
function IsClientId(): PropertyDecorator {
  return ValidateBy({
    name: 'isClientId',
    validator: {
      validate: isClientId,
      defaultMessage: () => '$property must be 1 to 200 visible characters',
    },
  });
}

/** What the stock transport of `useChat` sends, and what may be added to its `body`. */
export class ChatDto extends AnswerWishDto {
  @ApiProperty({
    minLength: 1,
    maxLength: 200,
    description:
      'A thread (`thread_…`), or whatever the client calls the conversation: a thread begins with its first message.',
  })
  @IsClientId()
  id!: string;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    description:
      'The conversation as the front end shows it. The text of the last message counts, and which answer it follows.',
  })
  @MayBeAbsent()
  @IsArray()
  messages?: unknown[];

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'Instead of `messages` the new one alone: it follows what was said last.',
  })
  @MayBeAbsent()
  @IsObject()
  message?: object;

  @ApiPropertyOptional({
    minLength: 1,
    maxLength: 200,
    description:
      'The one that gave the answer before when left out, else the one that the thread was last used with, else the only one there is.',
  })
  @MayBeAbsent()
  @ValidateBy({
    name: 'isModelId',
    validator: { validate: isModelId, defaultMessage: () => '$property must be the id of a model' },
  })
  modelId?: string;

  @ApiPropertyOptional({ enum: triggers, default: 'submit-message' })
  @IsIn(triggers)
  trigger: (typeof triggers)[number] = 'submit-message';

  @ApiPropertyOptional({
    minLength: 1,
    maxLength: 200,
    description: 'What is edited, or the answer that is to be given once more.',
  })
  @MayBeAbsent()
  @IsClientId()
  messageId?: string;
}

export class ResumeChatDto {
  @ApiPropertyOptional({
    description:
      'An answer that broke off for the reader: it is sent from its start, also when it has ended since.',
  })
  @MayBeAbsent()
  @IsClientId()
  messageId?: string;
}
