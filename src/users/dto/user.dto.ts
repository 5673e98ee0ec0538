import { ApiProperty } from '@nestjs/swagger';
import { toWireId } from '../../common/ids.js';
import { roles, type Role } from '../../common/owner.js';
import type { UserDetails } from '../user-directory.repository.js';

/** A person as they see themselves. */
export class UserDto {
  @ApiProperty({ example: 'user_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly id: string;

  @ApiProperty()
  readonly username: string;

  @ApiProperty({ type: 'string', nullable: true })
  readonly displayName: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'For display; not verified by Parley.' })
  readonly email: string | null;

  @ApiProperty({ enum: roles })
  readonly role: Role;

  @ApiProperty({ example: 'tenant_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly tenantId: string;

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  readonly lastLoginAt: string | null;

  constructor(user: UserDetails) {
    this.id = toWireId('user', user.id);
    this.username = user.username;
    this.displayName = user.displayName;
    this.email = user.email;
    this.role = user.role;
    this.tenantId = toWireId('tenant', user.tenantId);
    this.createdAt = user.createdAt.toISOString();
    this.lastLoginAt = user.lastLoginAt?.toISOString() ?? null;
  }
}
