import { ApiProperty } from '@nestjs/swagger';
import type { KeySlot } from '../known-personal-keys.service.js';
import type { CheckedKey } from '../personal-keys.service.js';

/** What became of the keys. */
export class CheckedKeysDto {
  @ApiProperty({ type: [String], description: 'Connections whose key is this one from now on.' })
  readonly updated: readonly string[];

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'boolean' },
    description: 'By connection: whether its vendor took the key. One that it did not take is not stored.',
    example: { openai: true, anthropic: false },
  })
  readonly verified: Readonly<Record<string, boolean>>;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'By connection: why the key was not stored.',
    example: { anthropic: 'PROVIDER_AUTHENTICATION_FAILED' },
  })
  readonly failures: Readonly<Record<string, string>>;

  constructor(checked: readonly CheckedKey[]) {
    this.updated = checked.filter(({ code }) => code === undefined).map(({ provider }) => provider);
    this.verified = Object.fromEntries(checked.map(({ provider, code }) => [provider, code === undefined]));
    this.failures = Object.fromEntries(
      checked.flatMap(({ provider, code }) => (code === undefined ? [] : [[provider, code]])),
    );
  }
}

/** That there is a key, and when it was used; never the key. */
export class PersonalKeyDto {
  @ApiProperty({ description: 'Whether there is a key that calls are made with.' })
  readonly configured: boolean;

  @ApiProperty({
    description:
      'There is a key, for another address than the one that the provider has by now. It is sent nowhere; give it again, or remove it.',
  })
  readonly needsRenewal: boolean;

  @ApiProperty({ enum: ['allowed', 'required'], description: 'Whether a key may or must be given.' })
  readonly rule: 'allowed' | 'required';

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  readonly setAt: string | null;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, description: 'To the minute.' })
  readonly lastUsedAt: string | null;

  constructor({ rule, key, isOutdated }: KeySlot) {
    this.configured = key !== undefined && !isOutdated;
    this.needsRenewal = isOutdated;
    this.rule = rule;
    this.setAt = key?.createdAt.toISOString() ?? null;
    this.lastUsedAt = key?.lastUsedAt?.toISOString() ?? null;
  }
}
