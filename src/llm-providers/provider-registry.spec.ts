import { beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../common/clock.js';
import { Log } from '../infrastructure/logging/log.js';
import type { Connection } from './contract/connection.js';
import { ConnectionSource } from './contract/connection-source.js';
import type { GenerateEvent } from './contract/generate-event.js';
import type { ModelInfo } from './contract/model-info.js';
import type { CallContext, ModelProvider } from './contract/model-provider.js';
import { ProviderError } from './contract/provider-error.js';
import { ProviderRegistry } from './provider-registry.js';

class FixedClock extends Clock {
  ms = 0;

  override now(): Date {
    return new Date(this.ms);
  }

  override monotonicMs(): number {
    return this.ms;
  }
}

/** A vendor that has, for each connection id, a list of models or a failure. */
class FakeProvider implements ModelProvider {
  readonly kind = 'openai';
  readonly lists = new Map<string, readonly string[] | Error | 'silence'>();
  readonly asked: string[] = [];
  closed = 0;
  retained: readonly string[] = [];

  verify(): Promise<void> {
    return Promise.resolve();
  }

  async listModels({ connection }: CallContext): Promise<readonly ModelInfo[]> {
    this.asked.push(`${connection.id}@${connection.version}`);
    await Promise.resolve();
    const list = this.lists.get(connection.id) ?? [];
    if (list instanceof Error) throw list;
    if (list === 'silence') return new Promise<never>(() => undefined);
    return list.map((id) => ({ ...this.describeModel(id), name: `${id} of ${connection.id}` }));
  }

  describeModel(id: string): ModelInfo {
    const temperature = { min: 0, max: 2, step: 0.1, default: 1 };
    return { id, name: id, provider: 'openai', capabilities: ['chat'], temperature };
  }

  async *stream(): AsyncGenerator<GenerateEvent, void, undefined> {
    await Promise.reject(new Error('nobody streams here'));
    yield* [];
  }

  retain(isKept: (connectionId: string) => boolean): void {
    this.retained = ['a', 'b'].filter(isKept);
  }

  close(): Promise<void> {
    this.closed += 1;
    return Promise.resolve();
  }
}

class FakeSource extends ConnectionSource {
  all: readonly Connection[] = [];

  override connections(tenantId: string): Promise<readonly Connection[]> {
    return Promise.resolve(tenantId === 'acme' ? this.all : []);
  }
}

function connection(id: string, fields: Partial<Connection> = {}): Connection {
  const timeouts = { connectMs: 1, headersMs: 1, idleMs: 1 };
  return { id, version: 1, kind: 'openai', name: `Name of ${id}`, baseUrl: 'https://x', timeouts, ...fields };
}

const down = new ProviderError({ provider: 'openai', code: 'network' });

describe('ProviderRegistry', () => {
  let clock: FixedClock;
  let vendor: FakeProvider;
  let source: FakeSource;
  let registry: ProviderRegistry;
  let lines: string[];

  beforeEach(() => {
    clock = new FixedClock();
    vendor = new FakeProvider();
    source = new FakeSource();
    lines = [];
    const write = (line: string): number => lines.push(line);
    const log = new Log({ 'log.level': 'warn', 'log.format': 'json' }, { write });
    registry = new ProviderRegistry([vendor], source, clock, log);
  });

  const idsOf = async (tenantId = 'acme'): Promise<readonly string[]> =>
    (await registry.models(tenantId)).map(({ id }) => id);

  it('refuses a kind without an adapter', () => {
    expect(() => registry.provider('demo')).toThrow('demo');
  });

  it('knows no model of another tenant', async () => {
    source.all = [connection('a', { models: ['m'] })];
    expect(await registry.resolve('other', 'm')).toBeUndefined();
    expect(await idsOf('other')).toEqual([]);
  });

  it('answers undefined for a model that no connection has', async () => {
    source.all = [connection('a', { models: ['m'] })];
    expect(await registry.resolve('acme', 'n')).toBeUndefined();
  });

  it('offers the models that the operator named without asking the vendor', async () => {
    const named = connection('a', { models: ['m', 'n'] });
    source.all = [named];
    expect(await idsOf()).toEqual(['m', 'n']);
    const model = vendor.describeModel('n');
    expect(await registry.resolve('acme', 'n')).toEqual({ provider: vendor, connection: named, model });
    expect(vendor.asked).toEqual([]);
  });

  it('takes the first connection that has the model', async () => {
    source.all = [
      connection('a'),
      connection('b', { models: ['m', 'n'] }),
      connection('c', { models: ['n'] }),
    ];
    vendor.lists.set('a', ['m']);
    expect((await registry.resolve('acme', 'm'))?.connection.id).toBe('a');
    expect((await registry.resolve('acme', 'n'))?.connection.id).toBe('b');
    const models = await registry.models('acme');
    expect(models.map(({ name }) => name)).toEqual(['m of a', 'n']);
  });

  it('asks the vendor once for callers at the same time, and once in five minutes', async () => {
    source.all = [connection('a')];
    vendor.lists.set('a', ['m']);
    await Promise.all([idsOf(), idsOf(), registry.resolve('acme', 'm')]);
    clock.ms += 5 * 60_000 - 1;
    await idsOf();
    expect(vendor.asked).toEqual(['a@1']);
    clock.ms += 1;
    await idsOf();
    expect(vendor.asked).toEqual(['a@1', 'a@1']);
  });

  it('asks again when the connection has changed', async () => {
    source.all = [connection('a')];
    await idsOf();
    source.all = [connection('a', { version: 2 })];
    await idsOf();
    expect(vendor.asked).toEqual(['a@1', 'a@2']);
  });

  it('lists the others while a vendor is down', async () => {
    source.all = [connection('a'), connection('b')];
    vendor.lists.set('a', down).set('b', ['m']);
    expect(await idsOf()).toEqual(['m']);
    expect((await registry.resolve('acme', 'm'))?.connection.id).toBe('b');
  });

  it('throws the failure, not "unknown", when the model may be at a vendor that is down', async () => {
    source.all = [connection('a'), connection('b', { models: ['m'] })];
    vendor.lists.set('a', down);
    await expect(registry.resolve('acme', 'n')).rejects.toBe(down);
  });

  it('makes a ProviderError of anything that an adapter throws, and logs where, not what it says', async () => {
    source.all = [connection('a')];
    vendor.lists.set('a', new TypeError('words of the vendor'));
    await expect(registry.resolve('acme', 'm')).rejects.toMatchObject({
      name: 'ProviderError',
      code: 'unknown',
    });
    expect(JSON.parse(lines.join())).toMatchObject({ level: 'error', connectionId: 'a', type: 'TypeError' });
    expect(lines.join()).toContain('provider-registry.spec');
    expect(lines.join()).not.toContain('words of the vendor');
  });

  it('asks all at once, and waits for nobody behind the first that has the model', async () => {
    source.all = [connection('a'), connection('b'), connection('c')];
    vendor.lists.set('a', ['m']).set('b', 'silence').set('c', 'silence');
    expect((await registry.resolve('acme', 'm'))?.connection.id).toBe('a');
    expect(vendor.asked).toEqual(['a@1', 'b@1', 'c@1']);
  });

  it('lets silent vendors that nobody knows keep later ones waiting for two seconds, all together', async () => {
    source.all = [connection('a'), connection('b'), connection('c', { models: ['m'] })];
    vendor.lists.set('a', 'silence').set('b', 'silence');
    const startedAt = performance.now();
    expect((await registry.resolve('acme', 'm'))?.connection.id).toBe('c');
    expect(performance.now() - startedAt).toBeGreaterThan(1900);
    expect(performance.now() - startedAt).toBeLessThan(3500);
  });

  it('lets a vendor that failed keep nobody waiting while it is asked again', async () => {
    source.all = [connection('a'), connection('b', { models: ['m'] })];
    vendor.lists.set('a', down);
    await registry.resolve('acme', 'm');
    vendor.lists.set('a', 'silence');
    clock.ms += 5_000;
    const startedAt = performance.now();
    expect((await registry.resolve('acme', 'm'))?.connection.id).toBe('b');
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(vendor.asked).toHaveLength(2);
    // Only who asks for what nobody has waits, and hears of the failure.
    await expect(registry.resolve('acme', 'n')).rejects.toBe(down);
  });

  it('takes a vendor that failed as it is again, where no other has the model', async () => {
    source.all = [connection('a'), connection('b', { models: ['n'] })];
    vendor.lists.set('a', down);
    await expect(registry.resolve('acme', 'm')).rejects.toBe(down);
    vendor.lists.set('a', ['m']);
    clock.ms += 5_000;
    expect((await registry.resolve('acme', 'm'))?.connection.id).toBe('a');
  });

  it('leaves a vendor that failed alone for five seconds only', async () => {
    source.all = [connection('a')];
    vendor.lists.set('a', down);
    await idsOf();
    vendor.lists.set('a', ['m']);
    clock.ms += 4_999;
    expect(await idsOf()).toEqual([]);
    clock.ms += 1;
    expect(await idsOf()).toEqual(['m']);
    expect(vendor.asked).toHaveLength(2);
  });

  it('keeps the models that a vendor had before its list failed', async () => {
    source.all = [connection('a')];
    vendor.lists.set('a', ['m']);
    await idsOf();
    vendor.lists.set('a', down);
    clock.ms += 5 * 60_000;
    expect(await idsOf()).toEqual(['m']);
    expect((await registry.resolve('acme', 'm'))?.model.id).toBe('m');
    await expect(registry.resolve('acme', 'n')).rejects.toBe(down);
  });

  it('takes the connection that is named, or none', async () => {
    source.all = [connection('a', { models: ['m', 'n'] }), connection('b', { models: ['m'] })];
    expect((await registry.resolve('acme', 'm', 'b'))?.connection.id).toBe('b');
    expect(await registry.resolve('acme', 'n', 'b')).toBeUndefined();
    expect(await registry.resolve('acme', 'm', 'c')).toBeUndefined();
  });

  it('offers what was last synchronised at once, and while the vendor is down', async () => {
    source.all = [connection('a', { knownModels: [vendor.describeModel('m')] })];
    vendor.lists.set('a', down);
    expect(await idsOf()).toEqual(['m']);
    clock.ms += 5_000;
    expect(await idsOf()).toEqual(['m']);
    await expect(registry.resolve('acme', 'n')).rejects.toBe(down);
  });

  it('asks no vendor in the name of people who bring their own key', async () => {
    source.all = [
      connection('a', { personalKeys: 'required', knownModels: [vendor.describeModel('m')] }),
      connection('b', { personalKeys: 'required' }),
    ];
    expect(await idsOf()).toEqual(['m']);
    expect(vendor.asked).toEqual([]);
  });

  it('synchronises now, and offers that from then on', async () => {
    const known = connection('a', { knownModels: [vendor.describeModel('l')] });
    source.all = [known];
    vendor.lists.set('a', ['m']);
    const { before, models } = await registry.sync(known);
    expect([before, models].map((list) => list.map(({ id }) => id))).toEqual([['l'], ['m']]);
    expect(await idsOf()).toEqual(['m']);
    expect(vendor.asked).toHaveLength(1);
    vendor.lists.set('a', down);
    await expect(registry.sync(known)).rejects.toBe(down);
    expect(await idsOf()).toEqual(['m']);
  });

  it('forgets connections that are gone', async () => {
    source.all = [connection('a'), connection('b')];
    await idsOf();
    registry.retain((id) => id === 'b');
    await idsOf();
    expect(vendor.asked).toEqual(['a@1', 'b@1', 'a@1']);
    expect(vendor.retained).toEqual(['b']);
  });

  it('tells who answers without waiting for anybody', async () => {
    source.all = [connection('a'), connection('b'), connection('c', { models: ['m'] })];
    vendor.lists.set('b', down);
    const told = (...words: string[]): object[] =>
      source.all.map(({ id, name }, index) => ({ id, name, reachability: words[index] }));
    expect(await registry.reachability('acme')).toEqual(told('unknown', 'unknown', 'unknown'));
    await idsOf();
    const known = told('reachable', 'unreachable', 'unknown');
    expect(await registry.reachability('acme')).toEqual(known);
    clock.ms += 5 * 60_000;
    expect(await registry.reachability('acme')).toEqual(known);
  });

  it('closes the adapters when the process shuts down', async () => {
    await registry.onApplicationShutdown();
    expect(vendor.closed).toBe(1);
  });
});
