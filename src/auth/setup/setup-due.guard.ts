import { Injectable, type CanActivate } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';
import { SetupState } from './setup-state.service.js';

/** Once there was an admin, the route is as if it were not there, whatever is sent. */
@Injectable()
export class SetupDueGuard implements CanActivate {
  constructor(private readonly state: SetupState) {}

  /** @throws DomainError NOT_FOUND */
  async canActivate(): Promise<boolean> {
    if (!(await this.state.isDue())) throw new DomainError('NOT_FOUND');
    return true;
  }
}
