import { Injectable } from '@nestjs/common';
import type { ModelUser } from '../model-user.js';
import { CurrentUsers } from '../../users/current-users.service.js';
import type { CatalogueModel } from './catalogue-model.js';

/** Who may use which model, by role and by the groups that their identity provider told last. */
@Injectable()
export class ModelAccess {
  constructor(private readonly users: CurrentUsers) {}

  /**
   * A change bites within a second on every replica. Whoever may not use a model must not learn that there is one: it is
   * MODEL_NOT_FOUND at every door.
   */
  async mayUse(
    person: Pick<ModelUser, 'tenantId' | 'userId' | 'role'>,
    { roles, groups }: Pick<CatalogueModel, 'roles' | 'groups'>,
  ): Promise<boolean> {
    if (person.role === 'admin' || (roles === null && groups === null)) return true;
    if (roles?.includes(person.role) === true) return true;
    if (groups === null) return false;
    const { groups: own } = await this.users.get(person);
    return own?.some((group) => groups.includes(group)) ?? false;
  }
}
