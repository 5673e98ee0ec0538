import { isIPv4, isIPv6 } from 'node:net';

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

interface Network extends Address {
  readonly prefix: number;
}

const ipv6Groups = 8;

/** An address of IPv6 without its zone, which means something on its own link only. */
function readAddress(text: string): Address | undefined {
  const [address = ''] = text.split('%');
  if (isIPv4(address)) {
    return { bits: 32, value: address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
  }
  if (!isIPv6(address)) return undefined;
  // The URL parser writes what ends in dots in hexadecimal, too (url.spec.whatwg.org, IPv6 serializer).
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = head.split(':').filter((group) => group !== '');
  const after = (tail ?? '').split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: ipv6Groups - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...after];
  return { bits: 128, value: groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n) };
}

/** `::ffff:0:0/96` holds IPv4 (RFC 4291, 2.5.5.2): what a server that listens on both sees of such a client. */
function isMapped({ bits, value }: Address): boolean {
  return bits === 128 && value >> 32n === 0xffffn;
}

function unmapped(address: Address): Address {
  return isMapped(address) ? { bits: 32, value: address.value & 0xffff_ffffn } : address;
}

function write({ bits, value, prefix }: Network): string {
  const parts = bits === 32 ? 4 : ipv6Groups;
  const width = BigInt(bits / parts);
  const all = Array.from(
    { length: parts },
    (_, index) => (value >> (width * BigInt(parts - 1 - index))) & ((1n << width) - 1n),
  );
  if (bits === 32) return `${all.join('.')}/${prefix}`;
  const { hostname } = new URL(`http://[${all.map((group) => group.toString(16)).join(':')}]`);
  return `${hostname.slice(1, -1)}/${prefix}`;
}

/** The network of the first `prefix` bits that an address is in. */
function around({ bits, value }: Address, prefix: number): Network {
  const hostBits = BigInt(bits - prefix);
  return { bits, value: (value >> hostBits) << hostBits, prefix };
}

function readNetwork(text: string): Network | undefined {
  const [, address = '', length] = /^([0-9A-Fa-f.:]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const read = readAddress(address);
  if (read === undefined) return undefined;
  const prefix = length === undefined ? read.bits : Number(length);
  return prefix > read.bits ? undefined : { ...read, prefix };
}

/**
 * A network in the one way it is written: `10.0.0.0/8`, `2001:db8::/32`; a single address is a network of one. Undefined when it
 * is none, when bits are set behind the prefix (a slip that would open more than was meant), or when it writes IPv4 as IPv6.
 */
export function normaliseNetwork(text: string): string | undefined {
  const network = readNetwork(text);
  if (network === undefined || isMapped(network)) return undefined;
  return around(network, network.prefix).value === network.value ? write(network) : undefined;
}

/** Whether the address is in one of the networks, IPv4 in IPv6 clothing included. */
export function isWithin(ip: string, networks: readonly string[]): boolean {
  const read = readAddress(ip);
  if (read === undefined) return false;
  const address = unmapped(read);
  return networks.some((text) => {
    const network = readNetwork(text);
    if (network?.bits !== address.bits) return false;
    return around(address, network.prefix).value === around(network, network.prefix).value;
  });
}

/** The neighbourhood of an address, too wide to name a person by: /24 of IPv4, /48 of IPv6. */
export function coarseNetwork(ip: string): string | null {
  const read = readAddress(ip);
  if (read === undefined) return null;
  const address = unmapped(read);
  return write(around(address, address.bits === 32 ? 24 : 48));
}
