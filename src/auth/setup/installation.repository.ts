import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, type EntityManager, type Repository } from 'typeorm';
import { Installation } from './installation.entity.js';

@Injectable()
export class InstallationRepository {
  constructor(@InjectRepository(Installation) private readonly installations: Repository<Installation>) {}

  get(): Promise<Installation> {
    return this.installations.findOneByOrFail({ id: 1 });
  }

  /**
   * Once: the first time stays. Of any number at once, each waits until the transaction of the one before ends.
   * @returns whether it was not complete before
   */
  async complete(at: Date, db: EntityManager = this.installations.manager): Promise<boolean> {
    const incomplete = { id: 1, setupCompletedAt: IsNull() };
    const { affected } = await db.update(Installation, incomplete, { setupCompletedAt: at });
    return affected === 1;
  }
}
