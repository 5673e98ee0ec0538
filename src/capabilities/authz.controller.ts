import { Get } from '@nestjs/common';
import { Authenticated } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import { Rights } from '../auth/rights.js';
import { requiredScopes } from '../auth/scopes.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { CurrentUsers } from '../users/current-users.service.js';
import { effectiveTools } from '../users/tool-policy.js';
import { AuthzDto } from './dto/authz.dto.js';

@NativeController('authz', 'Session and person')
export class AuthzController {
  constructor(
    private readonly users: CurrentUsers,
    private readonly rights: Rights,
  ) {}

  @Get()
  @Authenticated()
  @Answers(AuthzDto)
  async get(@CurrentCaller() caller: Caller): Promise<AuthzDto> {
    const { tenantSlug, defaultTools, toolAllow, toolDeny } = await this.users.get(caller);
    return new AuthzDto({
      role: caller.role,
      tenantId: caller.tenantId,
      tenantSlug,
      scopes: requiredScopes.filter((scope) => this.rights.admits(caller, scope)),
      tools: effectiveTools({ defaults: defaultTools, allow: toolAllow, deny: toolDeny }),
    });
  }
}
