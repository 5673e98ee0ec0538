import { Injectable } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import type { Owner } from '../common/owner.js';
import { ProviderRegistry, type ResolvedModel } from '../llm-providers/provider-registry.js';
import { CurrentUsers } from '../users/current-users.service.js';
import { toFailure } from './provider-failure.js';

/** What somebody asks of a model. */
interface Wish {
  readonly modelId: string;
  readonly temperature?: number | undefined;
  readonly systemPrompt?: string | undefined;
}

/** Who will answer, and under which system prompt. */
export interface GenerationPlan {
  readonly target: ResolvedModel;
  readonly systemPrompt: string | undefined;
}

/** Completes what a request leaves open, and refuses what the model cannot do, before anything is stored. */
@Injectable()
export class GenerationPlans {
  constructor(
    private readonly models: ProviderRegistry,
    private readonly users: CurrentUsers,
  ) {}

  /**
   * The system prompt is that of the request, else that of the owner's profile (conversations.md, Context).
   * @throws DomainError MODEL_NOT_FOUND, MODEL_CANNOT_CHAT, TEMPERATURE_OUT_OF_RANGE
   */
  async plan(owner: Owner, { modelId, temperature, systemPrompt }: Wish): Promise<GenerationPlan> {
    const target = await this.resolve(owner, modelId);
    refuseTemperatureOutOfRange(temperature, target);
    if (systemPrompt !== undefined) return { target, systemPrompt };
    const profile = await this.users.get(owner);
    return { target, systemPrompt: profile.systemPrompt ?? undefined };
  }

  private async resolve({ tenantId }: Owner, modelId: string): Promise<ResolvedModel> {
    const target = await this.models.resolve(tenantId, modelId).catch((error: unknown) => {
      throw toFailure(error);
    });
    if (target === undefined) throw new DomainError('MODEL_NOT_FOUND');
    if (!target.model.capabilities.includes('chat')) throw new DomainError('MODEL_CANNOT_CHAT');
    return target;
  }
}

function refuseTemperatureOutOfRange(temperature: number | undefined, { model }: ResolvedModel): void {
  const { min, max } = model.temperature;
  if (temperature === undefined || (temperature >= min && temperature <= max)) return;
  throw new DomainError('TEMPERATURE_OUT_OF_RANGE', { param: 'temperature', details: { min, max } });
}
