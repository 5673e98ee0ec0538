import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { Gate } from '../../bench/upstream/gate.js';
import { cut, json, stream, type Script } from '../../bench/upstream/scripts.js';
import { answerPieces, breaksOff, upstreamModel } from '../support/parley.js';
import { usageRows } from '../support/programs.js';
import { refusalOf, ResponsesDoor } from '../support/responses-door.js';

let door: ResponsesDoor;
let client: OpenAI;
let begun: Date;

beforeAll(async () => {
  door = await ResponsesDoor.open({ 'generation.firstTokenTimeoutMs': 400, 'generation.idleTimeoutMs': 400 });
  ({ client } = door);
});

beforeEach(() => {
  begun = new Date();
});

afterEach(() => {
  expect(door.upstream.surprises).toEqual([]);
  door.upstream.reset();
});

afterAll(() => door.stop());

describe('a failure', () => {
  const refused = { error: { message: 'secret detail', type: 'x', code: null } };
  const beforeOutput: readonly [string, Script, number, string][] = [
    ['a limit', json(refused, { status: 429, headers: { 'retry-after': '7' } }), 429, 'rate_limit_exceeded'],
    ['a vendor that fails', json(refused, { status: 500 }), 502, 'provider_failed'],
    ['a vendor that hangs up', cut, 502, 'provider_unreachable'],
    ['nonsense', stream(['data: {"choices": 7}\n\n']), 502, 'provider_invalid_response'],
    ['an answer that ends before it begins', stream([]), 502, 'provider_invalid_response'],
  ];

  it.each(beforeOutput)('of %s before anything was said is a status', async (_name, script, status, code) => {
    for (const stream of [false, true]) {
      door.upstream.enqueue(script);
      const refusal = await refusalOf(client.responses.create({ model: upstreamModel, input: 'Hi', stream }));
      expect(refusal).toMatchObject({ status, code });
    }
    expect(await usageRows(door.parley, begun, 2)).toMatchObject([{ status: 'error' }, { status: 'error' }]);
  });

  const afterOutput: readonly [string, Script, number][] = [
    ['a cut', breaksOff(['Hal', 'lo'], { ending: 'cut' }), 502],
    ['a clean end that is none', breaksOff(['Hal', 'lo']), 502],
    ['silence', breaksOff(['Hal', 'lo'], { ending: 'stall' }), 504],
    ['nonsense', stream([...answerPieces('Hal', 'lo').slice(0, 3), 'data: {"choices": 7}\n\n']), 502],
  ];

  it.each(afterOutput)(
    'by %s after something was said ends in response.failed, and an error',
    async (_name, script, status) => {
      const seen: OpenAI.Responses.ResponseStreamEvent[] = [];
      const body = { model: upstreamModel, input: 'Hi', stream: true } as const;
      door.upstream.enqueue(script);
      const read = async (): Promise<void> => {
        for await (const event of await client.responses.create(body)) seen.push(event);
      };
      await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
      expect(seen.at(-1)?.type).toBe('response.failed');
      expect(seen.map(({ type }) => type)).not.toContain('response.completed');
      const last = seen.at(-1);
      expect(last).toMatchObject({
        response: {
          status: 'failed',
          error: { code: 'server_error' },
          output: [{ status: 'incomplete', content: [{ text: 'Hallo' }] }],
        },
      });
      door.upstream.enqueue(script);
      await expect(
        client.responses.stream({ model: upstreamModel, input: 'Hi' }).finalResponse(),
      ).rejects.toBeInstanceOf(OpenAI.APIError);
      door.upstream.enqueue(script);
      expect(await refusalOf(client.responses.create({ ...body, stream: false }))).toMatchObject({ status });
      const rows = await usageRows(door.parley, begun, 3);
      expect(rows.map(({ status }) => status)).not.toContain('complete');
      expect(rows).toHaveLength(3);
    },
  );

  it('of the caller, who goes away, leaves the vendor within a second, and what was used is on record', async () => {
    for (const streams of [true, false]) {
      const since = new Date();
      const gate = new Gate();
      door.upstream.enqueue(stream(answerPieces('Hal', 'lo'), { gates: { 2: gate } }));
      const asked = door.upstream.nextExchange();
      const gone = new AbortController();
      const call = client.responses.create(
        { model: upstreamModel, input: 'Hi', stream: streams },
        { signal: gone.signal },
      );
      const exchange = await asked;
      if (streams) await call;
      call.catch(() => undefined);
      const leftAt = Date.now();
      gone.abort();
      await exchange.closed;
      expect(Date.now() - leftAt).toBeLessThan(1000);
      expect(await usageRows(door.parley, since)).toMatchObject([
        { status: 'cancelled', door: 'openai-responses' },
      ]);
      gate.open();
    }
  });
});
