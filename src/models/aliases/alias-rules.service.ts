import { Injectable } from '@nestjs/common';
import { isModelGranted } from '../../auth/granted-models.js';
import { DomainError } from '../../common/domain-error.js';
import { Catalogue } from '../catalogue/catalogue.service.js';
import type { AvailableModel } from '../catalogue/catalogue-model.js';
import { VisibleModels } from '../catalogue/visible-models.service.js';
import { refusalOf } from '../refused-parameters.js';
import { toFailure } from '../provider-failure.js';
import type { ModelUser } from '../model-user.js';
import type { AliasNames } from './alias-names.js';
import { AliasTargets } from './alias-targets.service.js';
import { flatten, type Branch } from './flatten.js';
import type { ModelAlias } from './model-alias.entity.js';

/** What an alias must be like to be made or changed. */
@Injectable()
export class AliasRules {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly models: VisibleModels,
    private readonly aliasTargets: AliasTargets,
  ) {}

  /**
   * Of a personal alias only the models that its owner is shown count: there may be others of the name, which it hides from nobody else.
   * @throws DomainError MODEL_NAME_TAKEN
   */
  async refuseModelName(
    user: ModelUser,
    { ownerId, name }: Pick<ModelAlias, 'ownerId' | 'name'>,
  ): Promise<void> {
    const models = await (ownerId === null ? this.catalogue.models(user.tenantId) : this.models.list(user));
    if (models.some(({ model }) => model.id === name)) throw taken();
  }

  /**
   * Asks the catalogue, and maybe a vendor: not for a transaction, as is `refuseUnfit`.
   * @throws DomainError MODEL_TARGET_UNKNOWN when whoever makes it could not use a target
   */
  async refuseUnusable(user: ModelUser, names: AliasNames, alias: ModelAlias): Promise<void> {
    const { branches } = await this.aliasTargets.reach(user, names.with(alias), alias);
    // Of the tenant's, too: they grant what they lead to, which nobody may widen with a credential that lacks it.
    const lacks = ({ reference }: Branch<unknown>): boolean => !isModelGranted(user, reference.model);
    const index = branches.findIndex((branch) => lacks(branch) || isUnusable(branch));
    if (index < 0) return;
    const reason = branches[index]?.problems[0]?.reason ?? 'not_granted';
    throw new DomainError('MODEL_TARGET_UNKNOWN', { param: paramOf(alias, index), details: { reason } });
  }

  /**
   * @throws DomainError TEMPERATURE_OUT_OF_RANGE, VALIDATION_FAILED, UNSUPPORTED_PARAMETER or what else the vendor's adapter says of a
   * parameter that is not for each model that it leads to
   */
  async refuseUnfit(user: ModelUser, names: AliasNames, alias: ModelAlias): Promise<void> {
    const { leaves } = await this.aliasTargets.reach(user, names.with(alias), alias);
    for (const { found } of leaves) refuseBeyond(alias, found);
  }

  /** @throws DomainError MODEL_TARGET_CYCLE, MODEL_TARGETS_TOO_MANY */
  refuseLoops(names: AliasNames, alias: ModelAlias): void {
    const { branches } = flatten(alias, {
      names: names.with(alias),
      find: (reference) => reference,
      isGranted: () => true,
    });
    branches.forEach(({ problems }, index) => {
      const param = paramOf(alias, index);
      if (problems.some(({ reason }) => reason === 'cycle')) {
        throw new DomainError('MODEL_TARGET_CYCLE', { param });
      }
      if (problems.some(({ reason }) => reason === 'too_large')) {
        throw new DomainError('MODEL_TARGETS_TOO_MANY', { param });
      }
    });
  }
}

export function taken(): DomainError {
  return new DomainError('MODEL_NAME_TAKEN', { param: 'id' });
}

function paramOf({ kind }: ModelAlias, index: number): string {
  return kind === 'alias' ? 'target.model' : `targets.${index}.model`;
}

/** Cycles and size are refused on their own, by a word of their own. */
function isUnusable({ leaves, problems }: Branch<unknown>): boolean {
  return leaves.length === 0 && !problems.some(({ reason }) => reason === 'cycle' || reason === 'too_large');
}

function refuseBeyond({ parameters, contextTokens }: ModelAlias, found: AvailableModel): void {
  const { model } = found;
  const { temperature, maxOutputTokens } = parameters;
  const { min, max } = model.temperature;
  if (temperature !== undefined && (temperature < min || temperature > max)) {
    const details = { model: model.id, min, max };
    throw new DomainError('TEMPERATURE_OUT_OF_RANGE', { param: 'parameters.temperature', details });
  }
  refuseMore('parameters.maxOutputTokens', maxOutputTokens, model.maxOutputTokens);
  refuseMore('contextTokens', contextTokens ?? undefined, model.contextLength);
  const refusal = refusalOf(found, parameters);
  if (refusal === undefined) return;
  const { code } = toFailure(refusal);
  throw new DomainError(code, { cause: refusal, param: `parameters.${refusal.param}` });
}

function refuseMore(param: string, wanted: number | undefined, most: number | undefined): void {
  if (wanted === undefined || most === undefined || wanted <= most) return;
  throw new DomainError('VALIDATION_FAILED', {
    param,
    message: `${param} must not be more than the ${most} of the model`,
  });
}
