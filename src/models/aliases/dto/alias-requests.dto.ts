import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { MayBeAbsent, MayBeAbsentOrNull } from '../../../infrastructure/http/optional.js';
import { IsText } from '../../../infrastructure/http/text-rules.js';
import { maxSystemPrompt } from '../../../users/profile/profile-rules.js';
import {
  aliasScopes,
  defaultCooldownMs,
  type AliasChange,
  type AliasScope,
  type NewAlias,
} from '../alias-definition.js';
import { keyOf, type TargetReference } from '../target-reference.js';
import { IsModelName, IsNewModelName } from './alias-rules.js';
import { checkedBody, kindOf } from './checked-body.js';
import { PresetParametersDto } from './preset-parameters.dto.js';

const titleLength = 200;
const maxTargets = 20;
const maxWeight = 1000;
const maxCooldownMs = 60 * 60_000;
const maxTokens = 1_000_000_000;

export const strategies = ['ordered', 'weighted'] as const;

class AliasTargetDto {
  @ApiProperty({ example: 'demo', description: 'A model, an alias or a router.' })
  @IsModelName()
  model!: string;

  @ApiPropertyOptional({ description: 'By which connection, where several have a model of this id.' })
  @MayBeAbsent()
  @IsModelName()
  connection?: string;
}

class RouterTargetDto extends AliasTargetDto {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: maxWeight,
    default: 1,
    description: 'How often it is asked first, compared to the others of a weighted router.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(maxWeight)
  weight?: number;
}

const target = { type: AliasTargetDto };
const targets = { type: RouterTargetDto, isArray: true, minItems: 1, maxItems: maxTargets };

/** One to twenty, each once. */
const AreTargets = (): PropertyDecorator => (prototype, property) => {
  const rules = [
    IsArray(),
    ArrayMinSize(1),
    ArrayMaxSize(maxTargets),
    IsObject({ each: true }),
    ArrayUnique((reference: TargetReference | null) => (reference === null ? null : keyOf(reference))),
    ValidateNested({ each: true }),
    Type(() => RouterTargetDto),
  ];
  for (const rule of rules) rule(prototype, property);
};

class TitleDto {
  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    minLength: 1,
    maxLength: titleLength,
    description: 'For people; null for the id.',
  })
  @MayBeAbsentOrNull()
  @IsText({ maximum: titleLength })
  name?: string | null;
}

/** What an alias fills in. */
class PresetDto extends TitleDto {
  @ApiPropertyOptional({
    type: PresetParametersDto,
    description: 'Where a request says nothing. They take the place of those that are there.',
  })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => PresetParametersDto)
  parameters?: PresetParametersDto;

  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    minLength: 1,
    maxLength: maxSystemPrompt,
    description: 'Where a request has none.',
  })
  @MayBeAbsentOrNull()
  @IsText({ maximum: maxSystemPrompt })
  systemPrompt?: string | null;

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: 1,
    maximum: maxTokens,
    description: 'How much context to use at most, in tokens; null for what the model has.',
  })
  @MayBeAbsentOrNull()
  @IsInt()
  @Min(1)
  @Max(maxTokens)
  contextTokens?: number | null;
}

/** How a router goes through its targets. */
class PolicyDto extends TitleDto {
  @ApiPropertyOptional({ enum: strategies, default: 'ordered' })
  @MayBeAbsent()
  @IsIn(strategies)
  strategy?: (typeof strategies)[number];

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: 1,
    maximum: 100,
    description: 'Targets to try at most, the first included; null for all.',
  })
  @MayBeAbsentOrNull()
  @IsInt()
  @Min(1)
  @Max(100)
  maxAttempts?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: maxCooldownMs,
    default: defaultCooldownMs,
    description: 'For how long a target that failed is tried last, in ms; longer when its vendor says so.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(maxCooldownMs)
  cooldownMs?: number;
}

const newName = { minLength: 1, maxLength: 200, description: 'What requests call it by.' };
const newScope = {
  enum: aliasScopes,
  default: 'personal',
  description: "Whose it is; the tenant's are for admins to make.",
} as const;

export class CreateAliasDto extends PresetDto {
  @ApiProperty({ enum: ['alias'] })
  @IsIn(['alias'])
  kind!: 'alias';

  @ApiProperty(newName)
  @IsNewModelName()
  id!: string;

  @ApiPropertyOptional(newScope)
  @MayBeAbsent()
  @IsIn(aliasScopes)
  scope: AliasScope = 'personal';

  @ApiProperty(target)
  @IsObject()
  @ValidateNested()
  @Type(() => AliasTargetDto)
  target!: AliasTargetDto;
}

export class CreateRouterDto extends PolicyDto {
  @ApiProperty({ enum: ['router'] })
  @IsIn(['router'])
  kind!: 'router';

  @ApiProperty(newName)
  @IsNewModelName()
  id!: string;

  @ApiPropertyOptional(newScope)
  @MayBeAbsent()
  @IsIn(aliasScopes)
  scope: AliasScope = 'personal';

  @ApiProperty(targets)
  @AreTargets()
  targets!: RouterTargetDto[];
}

/** What is left out stays as it is. */
export class ChangeAliasDto extends PresetDto {
  @ApiPropertyOptional(target)
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => AliasTargetDto)
  target?: AliasTargetDto;
}

/** What is left out stays as it is. */
export class ChangeRouterDto extends PolicyDto {
  @ApiPropertyOptional(targets)
  @MayBeAbsent()
  @AreTargets()
  targets?: RouterTargetDto[];
}

/** @throws DomainError VALIDATION_FAILED */
export async function newAlias(body: object): Promise<NewAlias> {
  const kind = kindOf(body, ['alias', 'router']);
  if (kind === 'alias') {
    const form = await checkedBody(CreateAliasDto, body);
    return { ...changeOfAlias(form), kind, name: form.id, scope: form.scope };
  }
  const form = await checkedBody(CreateRouterDto, body);
  return { ...changeOfRouter(form), kind, name: form.id, scope: form.scope };
}

/** @throws DomainError VALIDATION_FAILED */
export async function aliasChange(kind: 'alias' | 'router', body: object): Promise<AliasChange> {
  return kind === 'alias'
    ? changeOfAlias(await checkedBody(ChangeAliasDto, body))
    : changeOfRouter(await checkedBody(ChangeRouterDto, body));
}

function changeOfAlias({ name, target, parameters, ...rest }: ChangeAliasDto): AliasChange {
  return {
    title: name,
    targets: target === undefined ? undefined : [plainReference(target)],
    parameters: parameters === undefined ? undefined : plain(parameters),
    systemPrompt: rest.systemPrompt,
    contextTokens: rest.contextTokens,
  };
}

function changeOfRouter({ name, targets, ...rest }: ChangeRouterDto): AliasChange {
  return {
    title: name,
    targets: targets?.map(plainReference),
    strategy: rest.strategy,
    maxAttempts: rest.maxAttempts,
    cooldownMs: rest.cooldownMs,
  };
}

/** As the database has it: no classes, and only what is said. */
function plain({ reasoning, ...parameters }: PresetParametersDto): NonNullable<AliasChange['parameters']> {
  return said({ ...parameters, reasoning: reasoning === undefined ? undefined : said(reasoning) });
}

function plainReference({ model, connection, weight }: RouterTargetDto): TargetReference {
  return {
    model,
    ...(connection === undefined ? {} : { connection }),
    ...(weight === undefined ? {} : { weight }),
  };
}

function said<Value extends object>(value: Value): Partial<Value> {
  const partial: Partial<Value> = { ...value };
  for (const [key, inner] of Object.entries(partial)) {
    if (inner === undefined) Reflect.deleteProperty(partial, key);
  }
  return partial;
}
