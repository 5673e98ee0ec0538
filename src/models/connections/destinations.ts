import { isIP } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { AddressPolicy } from '../../infrastructure/outbound/address-policy.js';

/**
 * Where connections may lead (models.md, Outbound safety), as far as the URL tells. What a name resolves to is checked at each
 * connect.
 */
@Injectable()
export class Destinations {
  private readonly policy: AddressPolicy;

  constructor(@Inject(CONFIGURATION) config: Pick<BootConfiguration, 'outbound.allowedHosts'>) {
    this.policy = new AddressPolicy(config['outbound.allowedHosts']);
  }

  /** @throws DomainError BASE_URL_FORBIDDEN */
  check(baseUrl: string): void {
    const url = URL.parse(baseUrl);
    if (url === null || !this.allows(url) || /[?#]/.test(baseUrl)) {
      throw new DomainError('BASE_URL_FORBIDDEN', { param: 'baseUrl' });
    }
  }

  private allows({ protocol, hostname, username, password }: URL): boolean {
    const isTrusted = this.policy.allowsName(hostname);
    const isSafe = protocol === 'https:' || (protocol === 'http:' && isTrusted);
    const address = hostname.replace(/^\[|\]$/g, '');
    const isPublic = isIP(address) === 0 || this.policy.allowsAddress(address);
    return isSafe && (isTrusted || isPublic) && username === '' && password === '';
  }
}

/** Whether two base URLs have the same origin and path: the one answer to whether what was given for one may be sent to the other. */
export function isSameDestination(one: string, other: string): boolean {
  return normalised(one) === normalised(other);
}

function normalised(baseUrl: string): string {
  // Settings may leave it to the adapter.
  return (URL.parse(baseUrl)?.href ?? baseUrl).replace(/\/+$/, '');
}
