import { describe, expect, it } from '@jest/globals';
import { SETTINGS } from './registry.js';

const type = SETTINGS['server.corsOrigins'].type;

describe('origins that may call across sites', () => {
  it.each([
    '*',
    'null',
    'acme.test',
    'https://',
    'https://*.acme.test',
    'https://acme.test/',
    'https://acme.test/path',
    'https://acme.test?query',
    'https://user@acme.test',
    'https://ACME.test',
    'https://acme.test:443',
    'ftp://acme.test',
    'javascript:alert(1)',
    'file:///etc',
    'https://acme.test,*',
  ])('are refused when no browser would send them: %s', (origins) => {
    expect(type.parse(origins)).toBeUndefined();
  });

  it.each([
    ['', []],
    ['https://acme.test', ['https://acme.test']],
    ['https://acme.test:8443, http://localhost:5173', ['https://acme.test:8443', 'http://localhost:5173']],
    [['http://[::1]:3000'], ['http://[::1]:3000']],
  ])('are read: %j', (raw, origins) => {
    expect(type.parse(raw)).toEqual(origins);
  });
});
