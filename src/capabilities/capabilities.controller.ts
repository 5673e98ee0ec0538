import { Get, Inject } from '@nestjs/common';
import { Authenticated } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import { Rights } from '../auth/rights.js';
import { isLocalLoginOn } from '../config/local-login.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { maxMessageCharacters } from '../messages/message.js';
import { isInDefaultTenant } from '../tenants/default-tenant.js';
import { maxSystemPrompt } from '../users/profile/profile-rules.js';
import { CapabilitiesDto } from './dto/capabilities.dto.js';

const limitPrefix = 'rateLimit.';

/** Features and limits for the caller, so that a client offers nothing that would be refused. */
@NativeController('capabilities', 'Session and person')
export class CapabilitiesController {
  constructor(
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly rights: Rights,
  ) {}

  @Get()
  @Authenticated()
  @Answers(CapabilitiesDto)
  get(@CurrentCaller() caller: Caller): CapabilitiesDto {
    return new CapabilitiesDto(
      {
        chat: this.rights.admits(caller, 'messages:write'),
        issueTokens: this.rights.admits(caller, 'tokens:write'),
        manageModels: this.rights.admits(caller, 'models:write'),
        manageUsers: this.rights.admits(caller, 'users:write'),
        manageTenants: isInDefaultTenant(caller) && this.rights.admits(caller, 'admin'),
        localLogin: isLocalLoginOn(this.config),
      },
      {
        bodyBytes: this.config['server.bodyLimitBytes'],
        messageCharacters: maxMessageCharacters,
        answerCharacters: this.config['generation.maxAnswerCharacters'],
        systemPromptCharacters: maxSystemPrompt,
        tokenLifetimeDays: this.config['tokens.maxLifetimeDays'],
        requestsPerMinute: this.requestsPerMinute(),
      },
    );
  }

  private requestsPerMinute(): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.config).flatMap(([key, value]) =>
        key.startsWith(limitPrefix) && typeof value === 'number'
          ? [[key.slice(limitPrefix.length), value]]
          : [],
      ),
    );
  }
}
