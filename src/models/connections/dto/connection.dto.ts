import { ApiProperty } from '@nestjs/swagger';
import { providerKinds, type ProviderKind } from '../../../llm-providers/contract/provider-kind.js';
import { personalKeyRules, type PersonalKeyRule } from '../personal-key-rule.js';
import type { SyncCounts, Verification } from '../connection-checks.service.js';
import type { ShownConnection } from '../shown-connection.js';

class CredentialDto {
  @ApiProperty()
  readonly configured: boolean;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  readonly setAt: string | null;

  @ApiProperty({
    description:
      'Whether what is stored, headers included, can be decrypted; the connection is not used otherwise.',
  })
  readonly readable: boolean;

  constructor({ configured, setAt, readable }: ShownConnection['credential']) {
    this.configured = configured;
    this.setAt = setAt?.toISOString() ?? null;
    this.readable = readable;
  }
}

class EffectiveTimeoutsDto {
  @ApiProperty({ type: 'integer' })
  readonly connectMs: number;

  @ApiProperty({ type: 'integer' })
  readonly headersMs: number;

  @ApiProperty({ type: 'integer' })
  readonly idleMs: number;

  constructor({ connectMs, headersMs, idleMs }: ShownConnection['timeouts']) {
    this.connectMs = connectMs;
    this.headersMs = headersMs;
    this.idleMs = idleMs;
  }
}

const time = { type: 'string', format: 'date-time', nullable: true } as const;

/** A connection to a vendor, without its secrets. */
export class ConnectionDto {
  @ApiProperty({ example: 'conn_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly id: string;

  @ApiProperty({ enum: providerKinds })
  readonly kind: ProviderKind;

  @ApiProperty()
  readonly name: string;

  @ApiProperty({ enum: ['api', 'settings'], description: 'What made it, and alone changes it.' })
  readonly source: 'api' | 'settings';

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Null for connections of the settings, unless to admins of the default tenant.',
  })
  readonly baseUrl: string | null;

  @ApiProperty({ type: CredentialDto })
  readonly credential: CredentialDto;

  @ApiProperty({ type: [String], description: 'Names of the headers sent with every request.' })
  readonly headers: readonly string[];

  @ApiProperty({
    oneOf: [
      { type: 'string', enum: ['all'] },
      { type: 'array', items: { type: 'string' } },
    ],
    description: 'Tenants that may use it too.',
  })
  readonly tenants: 'all' | readonly string[];

  @ApiProperty()
  readonly enabled: boolean;

  @ApiProperty({ type: EffectiveTimeoutsDto, description: 'In ms.' })
  readonly timeouts: EffectiveTimeoutsDto;

  @ApiProperty({ enum: personalKeyRules })
  readonly personalKeys: PersonalKeyRule;

  @ApiProperty({ type: [String], nullable: true, description: 'Null for all that the vendor lists.' })
  readonly models: readonly string[] | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  readonly options: ShownConnection['options'];

  @ApiProperty({ ...time, description: 'When the list of models was last synchronised.' })
  readonly syncedAt: string | null;

  @ApiProperty({ ...time, description: 'When it was last verified, with whatever result.' })
  readonly verifiedAt: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Why the last verification failed.' })
  readonly failureCode: string | null;

  @ApiProperty(time)
  readonly createdAt: string | null;

  @ApiProperty(time)
  readonly updatedAt: string | null;

  constructor(connection: ShownConnection) {
    this.id = connection.id;
    this.kind = connection.kind;
    this.name = connection.name;
    this.source = connection.isConfigured ? 'settings' : 'api';
    this.baseUrl = connection.baseUrl;
    this.credential = new CredentialDto(connection.credential);
    this.headers = connection.headerNames;
    this.tenants = connection.tenants;
    this.enabled = connection.enabled;
    this.timeouts = new EffectiveTimeoutsDto(connection.timeouts);
    this.personalKeys = connection.personalKeys;
    this.models = connection.models;
    this.options = connection.options;
    this.syncedAt = connection.syncedAt?.toISOString() ?? null;
    this.verifiedAt = connection.verifiedAt?.toISOString() ?? null;
    this.failureCode = connection.failureCode;
    this.createdAt = connection.createdAt?.toISOString() ?? null;
    this.updatedAt = connection.updatedAt?.toISOString() ?? null;
  }
}

/** Whether the vendor can be reached and takes the credential. */
export class VerificationDto {
  @ApiProperty()
  readonly verified: boolean;

  @ApiProperty({ type: 'string', nullable: true, description: 'Of the error codes: why not.' })
  readonly code: string | null;

  @ApiProperty({ type: 'integer' })
  readonly latencyMs: number;

  constructor({ code, latencyMs }: Verification) {
    this.verified = code === undefined;
    this.code = code ?? null;
    this.latencyMs = latencyMs;
  }
}

/** What the vendor lists, and how that differs from what was known. */
export class SyncCountsDto {
  @ApiProperty({ type: 'integer' })
  readonly models: number;

  @ApiProperty({ type: 'integer' })
  readonly added: number;

  @ApiProperty({ type: 'integer' })
  readonly removed: number;

  constructor({ models, added, removed }: SyncCounts) {
    this.models = models;
    this.added = added;
    this.removed = removed;
  }
}
