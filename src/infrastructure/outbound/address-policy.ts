import ipaddr from 'ipaddr.js';

/** The hosts that may be reached although they are not public, and by plain http: names or addresses, networks as CIDR. */
export class AddressPolicy {
  private readonly names: ReadonlySet<string>;
  private readonly networks: readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[];

  /** @param allowed such as `localhost`, `ollama.internal`, `10.1.0.0/16` */
  constructor(allowed: readonly string[]) {
    const isNetwork = (entry: string): boolean => ipaddr.isValid(bare(entry)) || ipaddr.isValidCIDR(entry);
    this.names = new Set(allowed.filter((entry) => !isNetwork(entry)).map((name) => name.toLowerCase()));
    this.networks = allowed.filter(isNetwork).map(networkOf);
  }

  /** Whether the host was named as one to trust, as it stands in a URL. */
  allowsName(hostname: string): boolean {
    const name = hostname.toLowerCase();
    return this.names.has(name) || (ipaddr.isValid(bare(name)) && this.isListed(bare(name)));
  }

  /** Whether a connection may go to the address: it is public, or listed. IPv4 within IPv6 counts as the IPv4 that it is. */
  allowsAddress(address: string): boolean {
    if (!ipaddr.isValid(address)) return false;
    return this.isListed(address) || isPublic(address);
  }

  private isListed(address: string): boolean {
    const parsed = ipaddr.process(address);
    return this.networks.some(
      ([network, bits]) => network.kind() === parsed.kind() && parsed.match([network, bits] as never),
    );
  }
}

/** What IANA gives out of IPv6 (RFC 4291, 2.4): the rest may come to mean anything. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether the address is on the public internet, as opposed to private, loopback, link-local, reserved or multicast. IPv6 that
 * carries an IPv4 address for a translator (NAT64, 6to4, Teredo) is a range of its own, and not public; nor is one of a single link (zone).
 */
function isPublic(address: string): boolean {
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || (parsed.zoneId === undefined && parsed.match(globalUnicast));
}

/** IPv6 stands in brackets in a URL. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function networkOf(entry: string): readonly [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  const address = ipaddr.process(bare(entry));
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
