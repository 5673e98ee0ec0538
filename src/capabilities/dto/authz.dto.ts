import { ApiProperty } from '@nestjs/swagger';
import { requiredScopes, type RequiredScope } from '../../auth/scopes.js';
import { toWireId } from '../../common/ids.js';
import { roles, type Role } from '../../common/owner.js';

/** What a caller may do now. */
export class AuthzDto {
  @ApiProperty({ enum: roles })
  readonly role: Role;

  @ApiProperty({ example: 'tenant_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly tenantId: string;

  @ApiProperty({ example: 'default' })
  readonly tenantSlug: string;

  @ApiProperty({
    enum: requiredScopes,
    isArray: true,
    description: 'Every right, one by one, that both the credential and the role of its owner give.',
  })
  readonly scopes: readonly RequiredScope[];

  @ApiProperty({ type: [String], description: 'Tools that models may use for the caller.' })
  readonly tools: readonly string[];

  constructor(authz: {
    readonly role: Role;
    readonly tenantId: string;
    readonly tenantSlug: string;
    readonly scopes: readonly RequiredScope[];
    readonly tools: readonly string[];
  }) {
    this.role = authz.role;
    this.tenantId = toWireId('tenant', authz.tenantId);
    this.tenantSlug = authz.tenantSlug;
    this.scopes = authz.scopes;
    this.tools = authz.tools;
  }
}
