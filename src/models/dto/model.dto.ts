import { ApiProperty } from '@nestjs/swagger';
import { roles, type Role } from '../../common/owner.js';
import type { TemperatureRange } from '../../llm-providers/contract/model-info.js';
import { overridableFields, type AvailableModel, type Pricing } from '../catalogue/catalogue-model.js';

/** What a name that can be asked may stand for. */
export const modelKinds = ['model', 'alias', 'router'] as const;

export type ModelKind = (typeof modelKinds)[number];

/** In micro-units of the currency for a million tokens: 3 USD is 3000000. */
export class PricingDto {
  @ApiProperty({ example: 'USD', description: 'ISO 4217.' })
  readonly currency: string;

  @ApiProperty({ type: 'integer' })
  readonly input: number;

  @ApiProperty({ type: 'integer' })
  readonly output: number;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Of what the vendor has read before.' })
  readonly cachedRead: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Of what the vendor is asked to remember.' })
  readonly cachedWrite: number | null;

  constructor(pricing: Pricing) {
    this.currency = pricing.currency;
    this.input = pricing.input;
    this.output = pricing.output;
    this.cachedRead = pricing.cachedRead ?? null;
    this.cachedWrite = pricing.cachedWrite ?? null;
  }
}

export class TemperatureDto {
  @ApiProperty()
  readonly min: number;

  @ApiProperty()
  readonly max: number;

  @ApiProperty()
  readonly step: number;

  @ApiProperty()
  readonly default: number;

  constructor(range: TemperatureRange) {
    this.min = range.min;
    this.max = range.max;
    this.step = range.step;
    this.default = range.default;
  }
}

class ModelConnectionDto {
  @ApiProperty()
  readonly id: string;

  @ApiProperty()
  readonly name: string;

  constructor({ id, name }: AvailableModel['connection']) {
    this.id = id;
    this.name = name;
  }
}

/** What admins alone see of a model. */
class ModelAdministrationDto {
  @ApiProperty({ type: ModelConnectionDto, description: 'Where it is asked.' })
  readonly connection: ModelConnectionDto;

  @ApiProperty({ enum: roles, isArray: true, nullable: true, description: 'Who may use it; null for all.' })
  readonly roles: readonly Role[] | null;

  @ApiProperty({
    type: [String],
    nullable: true,
    description: 'Who may use it, by groups of the identity provider; null for all. Being in one is enough.',
  })
  readonly groups: readonly string[] | null;

  @ApiProperty({ description: 'Not listed for others than admins.' })
  readonly hidden: boolean;

  @ApiProperty({ type: 'string', nullable: true, description: 'For threads in which nobody else gives one.' })
  readonly systemPrompt: string | null;

  @ApiProperty({
    enum: overridableFields,
    isArray: true,
    description: 'What is not as vendor and curated table say, but as an admin does.',
  })
  readonly overridden: readonly string[];

  constructor({ model, connection, hidden, overridden }: AvailableModel) {
    this.connection = new ModelConnectionDto(connection);
    this.roles = model.roles;
    this.groups = model.groups;
    this.hidden = hidden;
    this.systemPrompt = model.systemPrompt ?? null;
    this.overridden = overridden;
  }
}

/** A model that the caller may use. Null means that nobody said, not that there is no limit. */
export class ModelDto {
  @ApiProperty({ enum: ['model'] })
  readonly kind = 'model';

  @ApiProperty({ example: 'demo' })
  readonly id: string;

  @ApiProperty()
  readonly name: string;

  @ApiProperty({ example: 'openai' })
  readonly provider: string;

  @ApiProperty({ type: [String] })
  readonly capabilities: readonly string[];

  @ApiProperty({ type: 'integer', nullable: true, description: 'Input and output together, in tokens.' })
  readonly contextLength: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'In tokens.' })
  readonly maxOutputTokens: number | null;

  @ApiProperty({ type: PricingDto, nullable: true })
  readonly pricing: PricingDto | null;

  @ApiProperty({ type: TemperatureDto, nullable: true, description: 'Null for a model that takes none.' })
  readonly temperature: TemperatureDto | null;

  @ApiProperty({ description: 'Only for those who bring their own key.' })
  readonly apiKeyRequired: boolean;

  @ApiProperty({ description: 'A local model, which has to be in memory before it answers.' })
  readonly requiresLoading: boolean;

  @ApiProperty({ type: ModelAdministrationDto, nullable: true, description: 'For admins only.' })
  readonly administration: ModelAdministrationDto | null;

  /** @param viewer who it is shown to */
  constructor(available: AvailableModel, viewer: { readonly role: Role }) {
    const { model } = available;
    const { min, max } = model.temperature;
    this.id = model.id;
    this.name = model.name;
    this.provider = model.provider;
    this.capabilities = model.capabilities;
    this.contextLength = model.contextLength ?? null;
    this.maxOutputTokens = model.maxOutputTokens ?? null;
    this.pricing = model.pricing === undefined ? null : new PricingDto(model.pricing);
    this.temperature = min === max ? null : new TemperatureDto(model.temperature);
    this.apiKeyRequired = model.apiKeyRequired;
    this.requiresLoading = model.requiresLoading;
    this.administration = viewer.role === 'admin' ? new ModelAdministrationDto(available) : null;
  }
}
