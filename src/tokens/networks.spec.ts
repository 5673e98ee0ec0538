import { BlockList } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { coarseNetwork, isWithin, normaliseNetwork } from './networks.js';

describe('normaliseNetwork', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['203.0.113.7', '203.0.113.7/32'],
    ['::/0', '::/0'],
    ['2001:DB8:0:0::/32', '2001:db8::/32'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['1:2:3:4:5:6:7:8/128', '1:2:3:4:5:6:7:8/128'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221/128'],
  ])('writes %s as %s', (text, written) => {
    expect(normaliseNetwork(text)).toBe(written);
    expect(normaliseNetwork(written)).toBe(written);
  });

  it.each([
    ['bits behind the prefix', '10.0.0.1/8'],
    ['bits behind the prefix of IPv6', '2001:db8::1/32'],
    ['IPv4 written as IPv6', '::ffff:10.0.0.0/104'],
    ['a prefix that is too long', '10.0.0.0/33'],
    ['a prefix that is too long for IPv6', '::/129'],
    ['a prefix that is no number', '10.0.0.0/x'],
    ['a prefix below zero', '10.0.0.0/-1'],
    ['no prefix behind the slash', '10.0.0.0/'],
    ['two prefixes', '10.0.0.0/8/8'],
    ['a mask', '10.0.0.0/255.0.0.0'],
    ['a number too large', '10.0.0.256'],
    ['octal', '010.0.0.0/8'],
    ['too few numbers', '10.0.0/8'],
    ['a zone', 'fe80::1%eth0'],
    ['a name', 'localhost'],
    ['space', ' 10.0.0.0/8'],
    ['nothing', ''],
    ['a list', '10.0.0.0/8,::/0'],
  ])('refuses %s', (_what, text) => {
    expect(normaliseNetwork(text)).toBeUndefined();
  });
});

describe('isWithin', () => {
  it('decides as Node does, and keeps IPv4 and IPv6 apart', () => {
    const network = fc
      .tuple(fc.constantFrom('ipv4' as const, 'ipv6' as const), fc.ipV4(), fc.ipV6(), fc.nat(128))
      .map(([family, v4, v6, length]) => ({
        family,
        address: family === 'ipv4' ? v4 : v6,
        prefix: family === 'ipv4' ? length % 33 : length,
      }));
    fc.assert(
      fc.property(network, fc.oneof(fc.ipV4(), fc.ipV6()), ({ family, address, prefix }, ip) => {
        fc.pre(!address.toLowerCase().includes('::ffff:') && !ip.toLowerCase().includes('::ffff:'));
        const list = new BlockList();
        list.addSubnet(address, prefix, family);
        const networks = [`${address}/${prefix}`];
        expect(isWithin(address, networks)).toBe(true);
        const ofIp = ip.includes(':') ? 'ipv6' : 'ipv4';
        expect(isWithin(ip, networks)).toBe(ofIp === family && list.check(ip, family));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['::ffff:10.1.2.3', ['10.0.0.0/8']],
    ['::ffff:a01:203', ['10.0.0.0/8']],
    ['0:0:0:0:0:ffff:10.1.2.3', ['10.1.2.3/32']],
    ['10.1.2.3', ['192.0.2.0/24', '10.1.2.3/32']],
    ['fe80::1%eth0', ['fe80::/10']],
    ['10.1.2.3', ['0.0.0.0/0']],
    ['::ffff:10.1.2.3', ['0.0.0.0/0']],
  ])('lets %s in with %j', (ip, networks) => {
    expect(isWithin(ip, networks)).toBe(true);
  });

  it.each([
    ['11.0.0.0', ['10.0.0.0/8']],
    ['9.255.255.255', ['10.0.0.0/8']],
    ['10.1.2.3', ['::/0']],
    ['::ffff:10.1.2.3', ['::/0']],
    ['::a01:203', ['10.0.0.0/8']],
    ['2001:db9::', ['2001:db8::/32']],
    ['2001:db8::1', ['0.0.0.0/0']],
    ['10.1.2.3', []],
    ['10.1.2.3', ['nonsense']],
    ['nonsense', ['0.0.0.0/0', '::/0']],
    ['', ['0.0.0.0/0']],
  ])('keeps %s out with %j', (ip, networks) => {
    expect(isWithin(ip, networks)).toBe(false);
  });
});

describe('coarseNetwork', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
    ['nonsense', null],
  ])('tells of %s no more than %s', (ip, network) => {
    expect(coarseNetwork(ip)).toBe(network);
  });
});
