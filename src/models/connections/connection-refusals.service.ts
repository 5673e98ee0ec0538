import { Injectable } from '@nestjs/common';
import type { Caller } from '../../auth/caller.js';
import { DomainError } from '../../common/domain-error.js';
import { ProviderRegistry } from '../../llm-providers/provider-registry.js';
import { isInDefaultTenant } from '../../tenants/default-tenant.js';
import { ConfiguredConnections } from '../configured-connections.js';
import type { ConnectionChange, NewConnection } from './connection-change.js';
import { Destinations } from './destinations.js';

/** What admins may not make: as far as neither the DTO nor the database can tell. */
@Injectable()
export class ConnectionRefusals {
  constructor(
    private readonly destinations: Destinations,
    private readonly configured: ConfiguredConnections,
    private readonly registry: ProviderRegistry,
  ) {}

  /**
   * @param connection what is asked for, with its kind, and with the models that it will name then
   * @throws DomainError BASE_URL_FORBIDDEN, FORBIDDEN, CONNECTION_NAME_TAKEN, CONNECTION_MODELS_REQUIRED, CONNECTION_OPTION_INVALID
   */
  check(caller: Caller, connection: ConnectionChange & Pick<NewConnection, 'kind'>): void {
    const { kind, name, baseUrl, tenants, models, options = {} } = connection;
    if (baseUrl !== undefined) this.destinations.check(baseUrl);
    if (tenants !== undefined && tenants.length > 0 && !isInDefaultTenant(caller)) {
      throw new DomainError('FORBIDDEN', { param: 'tenants' });
    }
    if (this.configured.all.some((one) => one.name === name)) {
      throw new DomainError('CONNECTION_NAME_TAKEN', { param: 'name' });
    }
    const { namesNoModels = false, connectionOptions = {} } = this.registry.provider(kind);
    if (namesNoModels && (models === undefined || models === null)) {
      throw new DomainError('CONNECTION_MODELS_REQUIRED', { param: 'models' });
    }
    const rules = new Map(Object.entries(connectionOptions));
    const wrong = Object.entries(options).find(([option, value]) => rules.get(option)?.(value) !== true);
    if (wrong !== undefined)
      throw new DomainError('CONNECTION_OPTION_INVALID', { param: `options.${wrong[0]}` });
  }
}
