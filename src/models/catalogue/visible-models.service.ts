import { Injectable } from '@nestjs/common';
import { isModelGranted } from '../../auth/granted-models.js';
import { DomainError } from '../../common/domain-error.js';
import type { ModelUser } from '../model-user.js';
import { Catalogue } from './catalogue.service.js';
import type { AvailableModel } from './catalogue-model.js';
import { ModelAccess } from './model-access.service.js';

/** The models of the catalogue that somebody may know of. */
@Injectable()
export class VisibleModels {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly access: ModelAccess,
  ) {}

  async list(user: ModelUser): Promise<readonly AvailableModel[]> {
    const models = await this.catalogue.models(user.tenantId);
    const listed = models.filter(({ hidden }) => !hidden || user.role === 'admin');
    const visible = await Promise.all(listed.map((model) => this.sees(user, model)));
    return listed.filter((_model, index) => visible[index]);
  }

  /** @throws DomainError MODEL_NOT_FOUND */
  async get(user: ModelUser, modelId: string): Promise<AvailableModel> {
    const models = await this.catalogue.models(user.tenantId);
    const found = models.find(({ model }) => model.id === modelId);
    if (found === undefined || !(await this.sees(user, found))) throw new DomainError('MODEL_NOT_FOUND');
    return found;
  }

  private async sees(user: ModelUser, { model }: AvailableModel): Promise<boolean> {
    return isModelGranted(user, model.id) && (await this.access.mayUse(user, model));
  }
}
