import { Injectable } from '@nestjs/common';
import { isModelGranted } from '../../auth/granted-models.js';
import { ProviderError } from '../../llm-providers/contract/provider-error.js';
import type { AvailableModel } from '../catalogue/catalogue-model.js';
import { Catalogue } from '../catalogue/catalogue.service.js';
import { ModelAccess } from '../catalogue/model-access.service.js';
import type { ModelUser } from '../model-user.js';
import type { AliasNames } from './alias-names.js';
import { flatten, type Flattened, type FlattenedAlias } from './flatten.js';
import { keyOf, type TargetReference } from './target-reference.js';

type LookUp = AvailableModel | 'unavailable' | ProviderError;

export function isAvailable(lookUp: LookUp): lookUp is AvailableModel {
  return lookUp !== 'unavailable' && !(lookUp instanceof ProviderError);
}

/** What was looked up already, for those who ask for many aliases at once. */
export type LookUps = Map<string, Promise<LookUp>>;

/** Where an alias leads somebody, now. */
export interface ReachedTargets extends Flattened<AvailableModel> {
  /** Why it is not known whether some target is there. */
  readonly failure: ProviderError | undefined;
}

/** Holds what aliases lead to against the catalogue and the rights of whoever asks. */
@Injectable()
export class AliasTargets {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly access: ModelAccess,
  ) {}

  async reach(
    user: ModelUser,
    names: AliasNames,
    alias: FlattenedAlias,
    lookUps: LookUps = new Map(),
  ): Promise<ReachedTargets> {
    const surroundings = { names, isGranted: (name: string) => isModelGranted(user, name) };
    const ends = new Map<string, LookUp>();
    const wanted: TargetReference[] = [];
    flatten(alias, { ...surroundings, find: (reference) => wanted[wanted.push(reference) - 1] ?? reference });
    await Promise.all(
      wanted.map(async (reference) => {
        const key = keyOf(reference);
        const lookUp = lookUps.get(key) ?? this.lookUp(user, reference);
        lookUps.set(key, lookUp);
        ends.set(key, await lookUp);
      }),
    );
    let failure: ProviderError | undefined;
    const flattened = flatten<AvailableModel>(alias, {
      ...surroundings,
      find: (reference) => {
        const end = ends.get(keyOf(reference)) ?? 'unavailable';
        if (!(end instanceof ProviderError)) return end;
        failure ??= end;
        return 'unreachable';
      },
    });
    return { ...flattened, failure };
  }

  private async lookUp(user: ModelUser, { model, connection }: TargetReference): Promise<LookUp> {
    try {
      const found = await this.catalogue.find(user.tenantId, model, connection);
      return found !== undefined && (await this.access.mayUse(user, found.model)) ? found : 'unavailable';
    } catch (error) {
      if (error instanceof ProviderError) return error;
      throw error;
    }
  }
}
