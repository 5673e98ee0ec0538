import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsObject, ValidateNested } from 'class-validator';
import { toWireId } from '../../common/ids.js';
import { roles, type Role } from '../../common/owner.js';
import { NumberedPageQueryDto } from '../../infrastructure/http/numbered-page-query.dto.js';
import { MayBeAbsent, MayBeAbsentOrNull } from '../../infrastructure/http/optional.js';
import { IsText } from '../../infrastructure/http/text-rules.js';
import { IsToolList } from '../../tenants/tool-names.js';
import type { ListedUser } from '../user-directory.repository.js';

const statuses = ['active', 'suspended'] as const;
const kinds = ['person', 'service'] as const;

type Status = (typeof statuses)[number];
type Kind = (typeof kinds)[number];

class UserToolsDto {
  @ApiProperty({ type: [String], description: 'Beside the defaults of the tenant.' })
  readonly allow: readonly string[];

  @ApiProperty({ type: [String], description: 'Denied, whatever allows them.' })
  readonly deny: readonly string[];

  constructor({ toolAllow, toolDeny }: Pick<ListedUser, 'toolAllow' | 'toolDeny'>) {
    this.allow = toolAllow;
    this.deny = toolDeny;
  }
}

/** A user as the admins of their tenant see them. */
export class ManagedUserDto {
  @ApiProperty({ example: 'user_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly id: string;

  @ApiProperty({ enum: kinds, description: 'A service account is nobody; programs act for it by token.' })
  readonly kind: Kind;

  @ApiProperty({ description: 'The identity provider that knows them; with `subject` their identity.' })
  readonly issuer: string;

  @ApiProperty()
  readonly subject: string;

  @ApiProperty()
  readonly username: string;

  @ApiProperty({ type: 'string', nullable: true })
  readonly displayName: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'For display; not verified by Parley.' })
  readonly email: string | null;

  @ApiProperty({ enum: roles })
  readonly role: Role;

  @ApiProperty({
    type: [String],
    nullable: true,
    description:
      'Groups of the identity provider, as it told last: names that `groups` of a model may hold. Null when it never told any.',
  })
  readonly groups: readonly string[] | null;

  @ApiProperty({ enum: statuses })
  readonly status: Status;

  @ApiProperty({ type: UserToolsDto })
  readonly tools: UserToolsDto;

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;

  @ApiProperty({ format: 'date-time' })
  readonly updatedAt: string;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  readonly lastLoginAt: string | null;

  constructor(user: ListedUser) {
    this.id = toWireId('user', user.id);
    this.kind = user.kind;
    this.issuer = user.issuer;
    this.subject = user.subject;
    this.username = user.username;
    this.displayName = user.displayName;
    this.email = user.email;
    this.role = user.role;
    this.groups = user.groups;
    this.status = user.status;
    this.tools = new UserToolsDto(user);
    this.createdAt = user.createdAt.toISOString();
    this.updatedAt = user.updatedAt.toISOString();
    this.lastLoginAt = user.lastLoginAt?.toISOString() ?? null;
  }
}

export class ListUsersDto extends NumberedPageQueryDto {
  @ApiPropertyOptional({ enum: roles })
  @MayBeAbsent()
  @IsIn(roles)
  role?: Role;

  @ApiPropertyOptional({ enum: statuses })
  @MayBeAbsent()
  @IsIn(statuses)
  status?: Status;

  @ApiPropertyOptional({ enum: kinds })
  @MayBeAbsent()
  @IsIn(kinds)
  kind?: Kind;

  @ApiPropertyOptional({ minLength: 1, maxLength: 100, description: 'Part of a username, name or email.' })
  @MayBeAbsent()
  @IsText({ maximum: 100 })
  q?: string;
}

class ChangeToolsDto {
  @ApiPropertyOptional({ type: [String], description: 'Takes the place of the list that is there.' })
  @MayBeAbsent()
  @IsToolList()
  allow?: string[];

  @ApiPropertyOptional({ type: [String], description: 'Takes the place of the list that is there.' })
  @MayBeAbsent()
  @IsToolList()
  deny?: string[];
}

export class ChangeUserDto {
  @ApiPropertyOptional({
    enum: roles,
    description: 'In a session only. Until groups of the identity provider say otherwise, at the next login.',
  })
  @MayBeAbsent()
  @IsIn(roles)
  role?: Role;

  @ApiPropertyOptional({ enum: statuses, description: 'In a session only.' })
  @MayBeAbsent()
  @IsIn(statuses)
  status?: Status;

  @ApiPropertyOptional({ type: ChangeToolsDto })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => ChangeToolsDto)
  tools?: ChangeToolsDto;

  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    minLength: 1,
    maxLength: 200,
    description: 'Null for the name that the identity provider gives.',
  })
  @MayBeAbsentOrNull()
  @IsText({ maximum: 200 })
  displayName?: string | null;
}
