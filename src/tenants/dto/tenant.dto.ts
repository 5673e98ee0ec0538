import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsObject,
  Matches,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { toWireId } from '../../common/ids.js';
import { MayBeAbsent, MayBeAbsentOrNull } from '../../infrastructure/http/optional.js';
import { IsText } from '../../infrastructure/http/text-rules.js';
import type { Belonging, TenantWithIdentities } from '../tenants.repository.js';
import { IsToolList } from '../tool-names.js';

const statuses = ['active', 'suspended'] as const;
const maxIdentities = 100;
/** As a label of a host name (RFC 1123, 2.1). */
const slugForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** An issuer as OpenID Connect has it: an http(s) URL without query and fragment (Core, 2: iss). */
function IsIssuer(): PropertyDecorator {
  return ValidateBy({
    name: 'isIssuer',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' &&
        value.length <= 500 &&
        /^https?:\/\/[^?#\s]+$/.test(value) &&
        URL.canParse(value),
      defaultMessage: () => '$property must be the URL of an issuer, without query and fragment',
    },
  });
}

/** Whose people belong to a tenant, each issuer and claim value once. */
function AreIdentities(): PropertyDecorator {
  return applyDecorators(
    IsArray(),
    ArrayMaxSize(maxIdentities),
    IsObject({ each: true }),
    ArrayUnique(({ issuer, claimValue }: TenantIdentityDto) => JSON.stringify([issuer, claimValue ?? ''])),
    ValidateNested({ each: true }),
    Type(() => TenantIdentityDto),
  );
}

export class TenantIdentityDto {
  @ApiProperty({ example: 'https://id.example.org' })
  @IsIssuer()
  issuer!: string;

  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    description: 'Of the tenant claim; null or left out for everybody of the issuer.',
  })
  @MayBeAbsentOrNull()
  @IsText({ maximum: 500 })
  claimValue?: string | null;

  static from({ issuer, claimValue }: Belonging): TenantIdentityDto {
    return Object.assign(new TenantIdentityDto(), {
      issuer,
      claimValue: claimValue === '' ? null : claimValue,
    });
  }

  belonging(): Belonging {
    return { issuer: this.issuer, claimValue: this.claimValue ?? '' };
  }
}

/** A tenant as the admins of the default tenant see it. */
export class TenantDto {
  @ApiProperty({ example: 'tenant_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly id: string;

  @ApiProperty()
  readonly slug: string;

  @ApiProperty()
  readonly name: string;

  @ApiProperty({ enum: statuses })
  readonly status: (typeof statuses)[number];

  @ApiProperty({ type: [TenantIdentityDto], description: 'Who belongs to it from their first login on.' })
  readonly identities: readonly TenantIdentityDto[];

  @ApiProperty({ type: [String], description: 'Tools that everybody in it may use unless denied.' })
  readonly defaultTools: readonly string[];

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;

  @ApiProperty({ format: 'date-time' })
  readonly updatedAt: string;

  constructor({ tenant, identities }: TenantWithIdentities) {
    this.id = toWireId('tenant', tenant.id);
    this.slug = tenant.slug;
    this.name = tenant.name;
    this.status = tenant.status;
    this.identities = identities.map((identity) => TenantIdentityDto.from(identity));
    this.defaultTools = tenant.defaultTools;
    this.createdAt = tenant.createdAt.toISOString();
    this.updatedAt = tenant.updatedAt.toISOString();
  }
}

const slugDescription = { example: 'acme', pattern: slugForm.source };
const whoBelongs = 'Who belongs to it from their first login on; takes the place of the list that is there.';

export class CreateTenantDto {
  @ApiProperty(slugDescription)
  @Matches(slugForm)
  slug!: string;

  @ApiProperty({ minLength: 1, maxLength: 200 })
  @IsText({ maximum: 200 })
  name!: string;

  @ApiPropertyOptional({ type: [TenantIdentityDto], description: whoBelongs })
  @MayBeAbsent()
  @AreIdentities()
  identities: TenantIdentityDto[] = [];

  @ApiPropertyOptional({ type: [String] })
  @MayBeAbsent()
  @IsToolList()
  defaultTools: string[] = [];
}

export class ChangeTenantDto {
  @ApiPropertyOptional(slugDescription)
  @MayBeAbsent()
  @Matches(slugForm)
  slug?: string;

  @ApiPropertyOptional({ minLength: 1, maxLength: 200 })
  @MayBeAbsent()
  @IsText({ maximum: 200 })
  name?: string;

  @ApiPropertyOptional({ enum: statuses })
  @MayBeAbsent()
  @IsIn(statuses)
  status?: (typeof statuses)[number];

  @ApiPropertyOptional({ type: [TenantIdentityDto], description: whoBelongs })
  @MayBeAbsent()
  @AreIdentities()
  identities?: TenantIdentityDto[];

  @ApiPropertyOptional({ type: [String] })
  @MayBeAbsent()
  @IsToolList()
  defaultTools?: string[];
}
