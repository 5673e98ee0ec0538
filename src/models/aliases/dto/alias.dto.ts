import { ApiProperty } from '@nestjs/swagger';
import type { OneOf } from '../../../infrastructure/http/api-answer.js';
import type { ModelCapability, TemperatureRange } from '../../../llm-providers/contract/model-info.js';
import { ModelDto, modelKinds, PricingDto, TemperatureDto, type ModelKind } from '../../dto/model.dto.js';
import { aliasScopes, type AliasScope } from '../alias-definition.js';
import type { AliasView } from '../alias-views.service.js';
import { targetProblems, type Branch, type Leaf, type TargetProblem } from '../flatten.js';
import type { AvailableModel } from '../../catalogue/catalogue-model.js';
import { strategies } from './alias-requests.dto.js';
import { PresetParametersDto } from './preset-parameters.dto.js';

type Leaves = readonly Leaf<AvailableModel>[];

class TargetDto {
  @ApiProperty()
  readonly model: string;

  @ApiProperty({ type: 'string', nullable: true })
  readonly connection: string | null;

  @ApiProperty({ type: 'integer' })
  readonly weight: number;

  @ApiProperty({
    enum: targetProblems,
    nullable: true,
    description: 'Why it cannot be used by the caller now; null when it can.',
  })
  readonly problem: TargetProblem | null;

  constructor({ reference, leaves, problems }: Branch<unknown>) {
    this.model = reference.model;
    this.connection = reference.connection ?? null;
    this.weight = reference.weight ?? 1;
    this.problem = leaves.length === 0 ? (problems[0]?.reason ?? null) : null;
  }
}

/** What an alias fills in, for those who may change it. */
class PresetDto {
  @ApiProperty({ type: PresetParametersDto })
  readonly parameters: object;

  @ApiProperty({ type: 'string', nullable: true })
  readonly systemPrompt: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'In tokens.' })
  readonly contextTokens: number | null;

  constructor({ parameters, systemPrompt, contextTokens }: AliasView['alias']) {
    this.parameters = parameters;
    this.systemPrompt = systemPrompt;
    this.contextTokens = contextTokens;
  }
}

class PolicyDto {
  @ApiProperty({ enum: strategies })
  readonly strategy: string;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Null for as many as there are targets.' })
  readonly maxAttempts: number | null;

  @ApiProperty({ type: 'integer' })
  readonly cooldownMs: number;

  constructor({ strategy, maxAttempts, cooldownMs }: AliasView['alias']) {
    this.strategy = strategy;
    this.maxAttempts = maxAttempts;
    this.cooldownMs = cooldownMs;
  }
}

/** An alias or a router, which is used like a model. What is said of it holds for whichever of its models answers. */
export class AliasDto {
  @ApiProperty({ enum: modelKinds.filter((kind) => kind !== 'model') })
  readonly kind: ModelKind;

  @ApiProperty()
  readonly id: string;

  @ApiProperty()
  readonly name: string;

  @ApiProperty({ enum: aliasScopes, description: 'Whose it is.' })
  readonly scope: AliasScope;

  @ApiProperty({ type: 'string', nullable: true, description: 'Null when there are several.' })
  readonly provider: string | null;

  @ApiProperty({ type: [String] })
  readonly capabilities: readonly string[];

  @ApiProperty({ type: 'integer', nullable: true, description: 'Input and output together, in tokens.' })
  readonly contextLength: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'In tokens.' })
  readonly maxOutputTokens: number | null;

  @ApiProperty({ type: PricingDto, nullable: true, description: 'Null when there are several models.' })
  readonly pricing: PricingDto | null;

  @ApiProperty({
    type: TemperatureDto,
    nullable: true,
    description: 'Null when there is none that all take.',
  })
  readonly temperature: TemperatureDto | null;

  @ApiProperty()
  readonly apiKeyRequired: boolean;

  @ApiProperty()
  readonly requiresLoading: boolean;

  @ApiProperty({ description: 'No target can be used: to ask it is 422 MODEL_TARGET_BROKEN.' })
  readonly broken: boolean;

  @ApiProperty({
    type: [TargetDto],
    nullable: true,
    description: 'For those who may change it; null for others, who may not know some of them.',
  })
  readonly targets: readonly TargetDto[] | null;

  @ApiProperty({ type: PolicyDto, nullable: true, description: 'Of a router.' })
  readonly policy: PolicyDto | null;

  @ApiProperty({
    type: PresetDto,
    nullable: true,
    description: 'What an alias fills in; for those who may change it.',
  })
  readonly preset: PresetDto | null;

  constructor({ alias, reached: { branches, leaves }, mayChange }: AliasView) {
    const models = leaves.map(({ found: { model } }) => model);
    const ids = new Set(leaves.map(({ found: { model, connection } }) => `${connection.id} ${model.id}`));
    const pricing = ids.size === 1 ? models[0]?.pricing : undefined;
    this.kind = alias.kind;
    this.id = alias.name;
    this.name = alias.title ?? alias.name;
    this.scope = alias.ownerId === null ? 'tenant' : 'personal';
    this.provider = onlyOne(models.map(({ provider }) => provider));
    this.capabilities = inAll(models.map(({ capabilities }) => capabilities));
    this.contextLength = least([
      ...models.map(({ contextLength }) => contextLength),
      ...leaves.map(({ contextTokens }) => contextTokens),
    ]);
    this.maxOutputTokens = least(models.map(({ maxOutputTokens }) => maxOutputTokens));
    this.pricing = pricing === undefined ? null : new PricingDto(pricing);
    this.temperature = temperatureOf(leaves);
    this.apiKeyRequired = models.length > 0 && models.every(({ apiKeyRequired }) => apiKeyRequired);
    this.requiresLoading = models.some(({ requiresLoading }) => requiresLoading);
    this.broken = leaves.length === 0;
    this.targets = mayChange ? branches.map((branch) => new TargetDto(branch)) : null;
    this.policy = alias.kind === 'router' ? new PolicyDto(alias) : null;
    this.preset = alias.kind === 'alias' && mayChange ? new PresetDto(alias) : null;
  }
}

/** What a name stands for. */
export const anyModel: OneOf = {
  property: 'kind',
  models: { model: ModelDto, alias: AliasDto, router: AliasDto },
};

/** What is no longer there, or back to what it was. */
export class RemovedModelDto {
  @ApiProperty()
  readonly id: string;

  @ApiProperty({
    enum: modelKinds,
    description: 'The alias or router is gone; of a model, what admins said of it.',
  })
  readonly kind: ModelKind;

  constructor(id: string, kind: ModelKind) {
    this.id = id;
    this.kind = kind;
  }
}

function onlyOne(values: readonly string[]): string | null {
  const [first = null, second] = new Set(values);
  return second === undefined ? first : null;
}

function inAll([first = [], ...others]: readonly (readonly ModelCapability[])[]): ModelCapability[] {
  return first.filter((capability) => others.every((other) => other.includes(capability)));
}

function least(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? null : Math.min(...known);
}

/** What all of them take, and what is used when nothing is said. */
function temperatureOf(leaves: Leaves): TemperatureDto | null {
  const ranges = leaves.map(({ found }) => found.model.temperature);
  const of = (field: keyof TemperatureRange): number[] => ranges.map((range) => range[field]);
  const [min, max] = [Math.max(...of('min')), Math.min(...of('max'))];
  if (ranges.length === 0 || min >= max) return null;
  const usual = leaves[0]?.parameters.temperature ?? ranges[0]?.default ?? min;
  const step = Math.max(...of('step'));
  return new TemperatureDto({ min, max, step, default: Math.min(Math.max(usual, min), max) });
}
