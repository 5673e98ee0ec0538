import { Inject, Injectable, type CanActivate } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';
import { isLocalLoginOn } from '../../config/local-login.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';

/** Where local login is off, its routes are as if they were not there, whatever is sent. */
@Injectable()
export class LocalLoginGuard implements CanActivate {
  constructor(@Inject(CONFIGURATION) private readonly config: BootConfiguration) {}

  /** @throws DomainError NOT_FOUND */
  canActivate(): boolean {
    if (!isLocalLoginOn(this.config)) throw new DomainError('NOT_FOUND');
    return true;
  }
}
