import { describe, expect, it } from '@jest/globals';
import { AddressPolicy } from './address-policy.js';

describe('AddressPolicy', () => {
  const closed = new AddressPolicy([]);

  it.each([
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '192.0.0.1',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:0:10.0.0.1',
    '::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::a00:1',
    '2002:a00:1::',
    '2001:0:a00:1::',
    'fe80::1',
    'fec0::1',
    'fc00::1',
    'ff02::1',
    '2001:db8::1',
    '3fff::1',
    '5f00::1',
    '100::1',
    '100:0:0:1::1',
    '1::1',
    '4000::1',
    'fe80::1%eth0',
    '::1%lo',
    '2606:4700:4700::1111%eth0',
    'localhost',
    '',
  ])('refuses %j', (address) => expect(closed.allowsAddress(address)).toBe(false));

  it.each(['8.8.8.8', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('allows %s', (address) => {
    expect(closed.allowsAddress(address)).toBe(true);
  });

  it('allows what is listed, as a name, an address or a network, and nothing beside it', () => {
    const policy = new AddressPolicy(['Ollama.internal', '10.1.0.0/16', '::1', '192.168.0.7']);
    expect(
      ['ollama.INTERNAL', '10.1.2.3', '[::1]', '192.168.0.7'].map((name) => policy.allowsName(name)),
    ).toEqual([true, true, true, true]);
    expect(
      ['internal', 'x.ollama.internal', '10.2.0.1', '192.168.0.8'].map((name) => policy.allowsName(name)),
    ).toEqual([false, false, false, false]);
    expect(['::ffff:10.1.2.3', '10.2.0.1'].map((address) => policy.allowsAddress(address))).toEqual([
      true,
      false,
    ]);
  });
});
