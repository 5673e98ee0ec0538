import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsObject, Max, Min, ValidateNested } from 'class-validator';
import { MayBeAbsent, MayBeAbsentOrNull } from '../../../infrastructure/http/optional.js';
import { providerKinds } from '../../../llm-providers/contract/provider-kind.js';
import { personalKeyRules, type PersonalKeyRule } from '../personal-key-rule.js';
import {
  AreOfferedModels,
  AreTenants,
  IsBaseUrl,
  IsConnectionName,
  IsCredential,
  IsHeaders,
  IsOptions,
  maxName,
} from './connection-rules.js';

const minTimeoutMs = 1000;
const maxTimeoutMs = 24 * 60 * 60 * 1000;

/** The demo is the installation's to offer, by its setting. */
const kinds = providerKinds.filter((kind) => kind !== 'demo');

function IsTimeout(): PropertyDecorator {
  const rules = [MayBeAbsent(), IsInt(), Min(minTimeoutMs), Max(maxTimeoutMs)];
  return (target, property) => rules.forEach((rule) => rule(target, property));
}

const timeout = { type: 'integer', minimum: minTimeoutMs, maximum: maxTimeoutMs } as const;

class TimeoutsDto {
  @ApiPropertyOptional({ ...timeout, description: 'Until the socket, with TLS, is open.' })
  @IsTimeout()
  connectMs?: number;

  @ApiPropertyOptional({ ...timeout, description: 'From the request until the response headers.' })
  @IsTimeout()
  headersMs?: number;

  @ApiPropertyOptional({ ...timeout, description: 'Between two pieces of a response.' })
  @IsTimeout()
  idleMs?: number;
}

class ConnectionFieldsDto {
  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    writeOnly: true,
    description: 'Key of the vendor; never shown again. Null for servers that ask for none.',
  })
  @MayBeAbsentOrNull()
  @IsCredential()
  credential?: string | null;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    writeOnly: true,
    description:
      'Sent with every request; takes the place of all that are there. Values are never shown again.',
  })
  @MayBeAbsent()
  @IsHeaders()
  headers?: Record<string, string>;

  @ApiPropertyOptional({
    oneOf: [
      { type: 'string', enum: ['all'] },
      { type: 'array', items: { type: 'string' } },
    ],
    description: 'Tenants that may use it too; only admins of the default tenant share.',
  })
  @MayBeAbsent()
  @AreTenants()
  tenants?: 'all' | string[];

  @ApiPropertyOptional()
  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;

  @ApiPropertyOptional({ type: TimeoutsDto, description: 'In ms; what is left out is as the settings say.' })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => TimeoutsDto)
  timeouts?: TimeoutsDto;

  @ApiPropertyOptional({
    enum: personalKeyRules,
    description: 'Whether people may or must call it with a key of their own.',
  })
  @MayBeAbsent()
  @IsIn(personalKeyRules)
  personalKeys?: PersonalKeyRule;

  @ApiPropertyOptional({
    type: [String],
    nullable: true,
    minItems: 1,
    description: 'Models to offer; null for all that the vendor lists.',
  })
  @MayBeAbsentOrNull()
  @AreOfferedModels()
  models?: string[] | null;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'What only this kind knows, such as `keep_alive` of Ollama or `apiVersion` of Azure.',
  })
  @MayBeAbsent()
  @IsOptions()
  options?: Record<string, string | number | boolean>;
}

const name = { minLength: 1, maxLength: maxName };
const baseUrl = { format: 'uri', example: 'https://api.openai.com/v1' };

export class CreateConnectionDto extends ConnectionFieldsDto {
  @ApiProperty({ enum: kinds })
  @IsIn(kinds)
  kind!: (typeof kinds)[number];

  @ApiProperty(name)
  @IsConnectionName()
  name!: string;

  @ApiProperty(baseUrl)
  @IsBaseUrl()
  baseUrl!: string;
}

export class ChangeConnectionDto extends ConnectionFieldsDto {
  @ApiPropertyOptional(name)
  @MayBeAbsent()
  @IsConnectionName()
  name?: string;

  @ApiPropertyOptional({
    ...baseUrl,
    description: 'Another origin or path drops the credential and the headers, unless they come with it.',
  })
  @MayBeAbsent()
  @IsBaseUrl()
  baseUrl?: string;
}
