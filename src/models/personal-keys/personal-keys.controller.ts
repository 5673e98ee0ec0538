import { Body, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiNoContentResponse } from '@nestjs/swagger';
import { AuthenticatedBySession } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { CheckedKeysDto } from './dto/personal-keys.dto.js';
import { PersonalKeysPipe } from './personal-keys.pipe.js';
import { PersonalKeys } from './personal-keys.service.js';

const example = { openai: 'sk-…' };

@NativeController('profile/api-keys', 'Session and person')
export class PersonalKeysController {
  constructor(private readonly keys: PersonalKeys) {}

  @Post()
  @AuthenticatedBySession()
  @Limited('profileApiKeys')
  @ApiBody({ schema: { type: 'object', additionalProperties: { type: 'string' }, example } })
  @Answers(CheckedKeysDto)
  async replace(
    @CurrentCaller() caller: Caller,
    @Body(PersonalKeysPipe) keys: Readonly<Record<string, unknown>>,
  ): Promise<CheckedKeysDto> {
    return new CheckedKeysDto(await this.keys.replace(caller, keys));
  }

  @Delete(':provider')
  @AuthenticatedBySession()
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(@CurrentCaller() caller: Caller, @Param('provider') provider: string): Promise<void> {
    await this.keys.remove(caller, provider);
  }
}
