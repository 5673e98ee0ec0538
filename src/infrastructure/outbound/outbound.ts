import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { Agent, buildConnector, fetch, type Dispatcher } from 'undici';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { AddressPolicy } from './address-policy.js';
import { limitResponses, type ResponseOptions } from './response-limits.js';

/** A destination that nothing may be sent to. It names neither the address nor the credential. */
export class ForbiddenDestinationError extends Error {
  override readonly name = 'ForbiddenDestinationError';
  readonly code = 'FORBIDDEN_DESTINATION';

  constructor(reason: string) {
    super(`Forbidden destination: ${reason}`);
  }
}

/** All addresses of a name, as `node:dns` tells them. */
export type Lookup = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/** Times in milliseconds. */
export interface OutboundLimits {
  /** Until the socket, with TLS, is open. */
  readonly connectMs: number;
  /** From the request until the response headers. */
  readonly headersMs: number;
  /** Between two pieces of a response body. */
  readonly idleMs: number;
}

/** Responses are to come as they are: what is compressed has no size that could be limited. */
const plainly = { 'accept-encoding': 'identity' };

/** Nothing else than what `Outbound` needs to say of a request. */
type OutboundRequest = Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'headers'> &
  ResponseOptions & { readonly headers?: Readonly<Record<string, string>> };

/** Sockets to one destination, kept alive, under the rules of `Outbound`. */
export class OutboundClient {
  private readonly agent: Agent;
  private readonly dispatcher: Dispatcher;

  constructor(
    private readonly policy: AddressPolicy,
    { connectMs, headersMs, idleMs }: OutboundLimits,
    lookUp: Lookup = lookup,
  ) {
    this.agent = new Agent({
      connect: guardedConnector({ policy, timeoutMs: connectMs, lookUp }),
      headersTimeout: headersMs,
      bodyTimeout: idleMs,
    });
    this.dispatcher = this.agent.compose(limitResponses);
  }

  /**
   * A `fetch` for SDKs. A redirect is an answer like any other, so that neither credential nor body ever follows it;
   * `redirect: 'error'` would look like a broken network.
   * @throws ForbiddenDestinationError before anything is sent; CompressedResponseError
   */
  readonly fetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const target = this.permitted(url instanceof Request ? url.url : url);
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(plainly)) headers.set(name, value);
    // Node's global types and undici's describe the same classes, but TypeScript cannot see that; SDKs pass strings.
    const options = { ...init, headers, redirect: 'manual', dispatcher: this.dispatcher } as Parameters<
      typeof fetch
    >[1];
    return fetch(target, options);
  };

  /**
   * For those who read the body as it comes, at less cost than `fetch`.
   * @param options the names of headers in lower case
   * @throws ForbiddenDestinationError before anything is sent; CompressedResponseError
   */
  request(url: string | URL, options: OutboundRequest): Promise<Dispatcher.ResponseData> {
    const { origin, pathname, search } = this.permitted(url);
    const headers = { ...options.headers, ...plainly };
    return this.dispatcher.request({ ...options, headers, origin, path: pathname + search });
  }

  /** Waits for the requests that are under way. */
  close(): Promise<void> {
    return this.agent.close();
  }

  private permitted(url: string | URL): URL {
    const target = new URL(url);
    const isTrusted = this.policy.allowsName(target.hostname);
    if (target.username !== '' || target.password !== '')
      throw new ForbiddenDestinationError('user name in it');
    if (target.protocol !== 'https:' && !(target.protocol === 'http:' && isTrusted)) {
      throw new ForbiddenDestinationError('not https');
    }
    return target;
  }
}

/**
 * The one way out for calls whose destination somebody may choose (models.md, Outbound safety): https, or http for hosts that the
 * operator lists; the address that is connected to is the one that was checked; no redirects, no compression; limits on time and size.
 */
@Injectable()
export class Outbound {
  private readonly policy: AddressPolicy;

  constructor(@Inject(CONFIGURATION) config: Pick<BootConfiguration, 'outbound.allowedHosts'>) {
    this.policy = new AddressPolicy(config['outbound.allowedHosts']);
  }

  client(limits: OutboundLimits): OutboundClient {
    return new OutboundClient(this.policy, limits);
  }
}

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

interface Guard {
  readonly policy: AddressPolicy;
  readonly timeoutMs: number;
  readonly lookUp: Lookup;
}

/** Connects only to addresses that the policy allows: names are resolved here, once, and what was checked is what is used. */
function guardedConnector({ policy, timeoutMs, lookUp }: Guard): buildConnector.connector {
  const checkedLookup = (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    lookUp(hostname, { ...options, all: true }, (error, addresses) => {
      // Without a result when it fails, whatever its type says.
      if (error !== null) {
        callback(error, []);
        return;
      }
      const isForbidden =
        !policy.allowsName(hostname) && addresses.some(({ address }) => !policy.allowsAddress(address));
      const [first] = addresses;
      if (isForbidden || first === undefined) callback(new ForbiddenDestinationError('not public'), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
  const connect = buildConnector({ timeout: timeoutMs, lookup: checkedLookup });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    // An address in the URL is never looked up.
    if (isIP(host) !== 0 && !policy.allowsName(host) && !policy.allowsAddress(host)) {
      callback(new ForbiddenDestinationError('not public'), null);
      return;
    }
    connect(options, callback);
  };
}
