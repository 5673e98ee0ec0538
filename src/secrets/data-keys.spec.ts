import { describe, expect, it } from '@jest/globals';
import { Clock } from '../common/clock.js';
import { DataKeys } from './data-keys.js';
import type { WrappedKey } from './key-wrappers/key-wrapper.js';
import { KeyWrappers } from './key-wrappers/key-wrappers.js';

class ManualClock extends Clock {
  ms = 0;
  override now(): Date {
    return new Date(0);
  }
  override monotonicMs(): number {
    return this.ms;
  }
}

/** Wraps nothing; answers each question with another key. */
function counting() {
  const asked: string[] = [];
  const state = { isDown: false };
  const wrapper = {
    kind: 'file' as const,
    currentKeyId: () => Promise.resolve('file:k'),
    wrap: () => Promise.reject(new Error('not asked for')),
    unwrap: ({ bytes }: WrappedKey, recordId: string) => {
      asked.push(`${recordId} ${bytes.toString()}`);
      return state.isDown ? Promise.reject(new Error('down')) : Promise.resolve(Buffer.from([asked.length]));
    },
  };
  const clock = new ManualClock();
  const dataKeys = new DataKeys(new KeyWrappers(wrapper, []), clock);
  const ask = (recordId: string, bytes = 'x', keyId = 'file:k'): Promise<Buffer> =>
    dataKeys.unwrap({ keyId, bytes: Buffer.from(bytes) }, recordId);
  return { asked, state, clock, ask };
}

describe('data keys', () => {
  it('are asked for anew when the record, the bytes or the key differ', async () => {
    const { asked, ask } = counting();
    await ask('a');
    await ask('b');
    await ask('a', 'y');
    await ask('a', 'x', 'file:other');
    expect(asked).toEqual(['a x', 'b x', 'a y', 'a x']);
  });

  it('are asked for once by all who need one within five minutes', async () => {
    const { asked, clock, ask } = counting();
    const [first, second] = await Promise.all([ask('a'), ask('a')]);
    clock.ms += 299_999;
    expect([second, await ask('a')]).toEqual([first, first]);
    expect(asked).toHaveLength(1);
    clock.ms += 1;
    expect(await ask('a')).not.toEqual(first);
  });

  it('are not remembered to have failed', async () => {
    const { state, ask } = counting();
    state.isDown = true;
    await expect(ask('a')).rejects.toThrow('down');
    state.isDown = false;
    await expect(ask('a')).resolves.toBeDefined();
  });

  it('are forgotten when there are a thousand younger ones', async () => {
    const { asked, ask } = counting();
    for (let n = 0; n < 1000; n++) await ask(String(n));
    await ask('0');
    expect(asked).toHaveLength(1000);
    await ask('1000');
    await ask('1');
    expect(asked).toHaveLength(1001);
    await ask('0');
    expect(asked).toHaveLength(1002);
  });
});
