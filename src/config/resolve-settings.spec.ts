import { describe, expect, it } from '@jest/globals';

import { type LayerValues, resolveSettings } from './resolve-settings.js';
import { type Layer, LAYERS, setting } from './setting.js';
import { decimal, integer, mapOf, oneOf } from './value-types.js';

const WRITABLE = LAYERS.filter((layer) => layer !== 'embedded' && layer !== 'default');
const registry = {
  size: setting(integer({ minimum: 1, maximum: 100 }), {
    default: 99,
    productionDefault: 98,
    layers: WRITABLE,
    description: 'May be set anywhere.',
  }),
  pinned: setting(decimal({ minimum: 0, maximum: 2 }), { description: 'May be set at boot only.' }),
  roles: setting(mapOf(oneOf('admin')), { default: {}, description: 'A map.' }),
};
const SETTABLE = LAYERS.filter((layer) => layer !== 'default');

/** Sets `size` in each layer to the place of the layer, from 1. */
function sizesIn(layers: readonly Layer[]): LayerValues {
  return Object.fromEntries(layers.map((layer) => [layer, new Map([['size', LAYERS.indexOf(layer) + 1]])]));
}

function resolve(layers: LayerValues, production = false) {
  return resolveSettings(registry, layers, { production });
}

describe('resolveSettings', () => {
  it('refuses a value from a layer that may not set it, naming the layers that may', () => {
    const { settings, problems } = resolve({ 'database:user': new Map([['pinned', 1]]) });
    expect(problems).toEqual([
      {
        key: 'pinned',
        layer: 'database:user',
        expected: 'to be set by one of command_line, environment, file',
      },
    ]);
    expect(settings.pinned).toEqual({ value: undefined, source: 'default', hidden: [] });
  });

  it('refuses a hidden value that does not fit too', () => {
    const { settings, problems } = resolve({
      environment: new Map([['size', '7']]),
      file: new Map([['size', 101]]),
    });
    expect(problems).toEqual([{ key: 'size', layer: 'file', expected: 'a whole number from 1 to 100' }]);
    expect(settings.size).toEqual({ value: 7, source: 'environment', hidden: [] });
  });

  it('lets no value that does not fit decide: the layer below does', () => {
    const { settings } = resolve({
      'database:tenant': new Map([['size', 0]]),
      'database:user': new Map([['size', 5]]),
    });
    expect(settings.size).toEqual({ value: 5, source: 'database:user', hidden: [] });
  });

  it.each(SETTABLE.map((layer, index) => ({ layer, hidden: SETTABLE.slice(index + 1) })))(
    'lets $layer win over the layers below it and names them as hidden',
    ({ layer, hidden }) => {
      const { settings, problems } = resolve(sizesIn([...hidden, layer]));
      expect(problems).toEqual([]);
      expect(settings.size).toEqual({ value: LAYERS.indexOf(layer) + 1, source: layer, hidden });
    },
  );

  it('falls back to the default, which differs in production', () => {
    expect(resolve({}).settings.size).toEqual({ value: 99, source: 'default', hidden: [] });
    expect(resolve({}, true).settings.size).toEqual({ value: 98, source: 'default', hidden: [] });
  });

  it.each([{}, { file: new Map([['roles', { staff: 'admin' }]]) }])(
    'finds nothing in a map under the name of an inherited property (%j)',
    (layers) => {
      expect(resolve(layers).settings.roles.value).not.toHaveProperty('constructor');
    },
  );
});
