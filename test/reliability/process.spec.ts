import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { eventually, type OpenStream } from '../support/parley.js';
import { stopPostmaster } from '../../src/embedded/postmaster.js';
import { main, ParleyProcess } from '../support/parley-process.js';
import { makeDataDirectory } from '../support/test-postgres.js';

jest.setTimeout(90_000);

let dataDirectory: string;
const processes: ParleyProcess[] = [];

/** `before` is the process that this one continues: at the same address. */
async function start(settings: Record<string, string> = {}, before?: ParleyProcess): Promise<ParleyProcess> {
  const started = await ParleyProcess.start(dataDirectory, settings, before);
  processes.push(started);
  return started;
}

beforeAll(async () => {
  dataDirectory = await makeDataDirectory();
});

afterEach(async () => {
  for (const { child } of processes.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
});

afterAll(async () => {
  // A process that was killed leaves its Postgres to the next one.
  await stopPostmaster(path.join(dataDirectory, 'postgres', 'data'));
  await rm(dataDirectory, { recursive: true, force: true });
});

describe('a stranger', () => {
  it('logs in as two people, talks, restarts, and finds everything again, each their own', async () => {
    let parley = await start();
    expect(parley.output).toContain(`Parley is at ${parley.url}`);
    expect(parley.output).toContain('ada (admin)');
    expect(parley.output).not.toMatch(/setup/i);
    const ada = await parley.logIn('ada');
    const uma = await parley.logIn('uma');
    const thread = await ada.createThread('Plans of Ada');
    const { data } = await ada.post(thread, 'demo', { content: 'Hello there' });
    expect(data.assistantMessage.content).toContain('Hello there');
    const streamed = await (await uma.stream(await uma.createThread(), 'demo', 'Hi')).rest();
    expect(streamed.at(-1)?.type).toBe('close');
    expect(await parley.end('SIGTERM')).toBe(0);
    expect(parley.output).not.toMatch(/"level":"(?:warn|error|fatal)"/);

    parley = await start({}, parley);
    expect((await ada.ask('GET', '/api/threads')).data).toMatchObject([{ title: 'Plans of Ada' }]);
    expect((await ada.ask('GET', `/api/threads/${thread}/messages`)).data).toEqual([
      data.userMessage,
      data.assistantMessage,
    ]);
    expect((await uma.ask('GET', `/api/threads/${thread}`)).status).toBe(404);
    // A job has given it a title, if there was time.
    expect((await uma.ask('GET', '/api/threads')).data).toEqual([
      expect.objectContaining({ title: expect.stringMatching(/^(?:New thread|Hi)$/) }),
    ]);
  });
});

describe('the log', () => {
  it('has one line for each request, with who asked, also when they left before the end', async () => {
    const parley = await start();
    const ada = await parley.logIn('ada');
    const open = await ada.stream(await ada.createThread(), 'demo', '/long 100');
    const requestId = String(open.response.headers.get('x-request-id'));
    await tokens(open, 1);
    open.leave();
    const line = await eventually(() => {
      const lines = parley.output.split('\n').filter((text) => text.includes(requestId));
      return Promise.resolve(lines.find((text) => text.includes('"msg":"request"')));
    });
    expect(JSON.parse(line)).toMatchObject({
      level: 'info',
      method: 'POST',
      route: '/api/threads/:threadId/models/:modelId/messages',
      status: 200,
      aborted: true,
      requestId,
      userId: expect.stringMatching(/^user_/) as unknown,
    });
  });
});

describe('kill -9 during a stream', () => {
  it('loses no user message and keeps the partial answer, marked interrupted', async () => {
    let parley = await start({ PARLEY_PROVIDERS_DEMO_TOKEN_DELAY_MS: '5' });
    const ada = await parley.logIn('ada');
    const thread = await ada.createThread('Cut off');
    const open = await ada.stream(thread, 'demo', '/long 5000');
    const seen = await tokens(open, 200);
    await parley.end('SIGKILL');

    parley = await start({}, parley);
    const answer = await eventually(async () => {
      const [question, stored] = await ada.messages(thread);
      expect(question).toMatchObject({ role: 'user', content: '/long 5000', status: 'complete' });
      return stored?.status === 'interrupted' ? stored : undefined;
    }, 30_000);
    expect(answer.errorCode).toBe('GENERATION_INTERRUPTED');
    // At most a second of text is lost: of the first token to be seen nothing, for it is older than that.
    expect(answer.content.startsWith(seen.slice(0, 20).join(''))).toBe(true);
    const again = await ada.post(thread, 'demo', { content: 'Go on' });
    expect(again.status).toBe(200);
  }, 60_000);
});

async function tokens(open: OpenStream, count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) {
    const { type, data } = await open.next();
    if (type === 'token') seen.push(String(data['token']));
  }
  return seen;
}

describe('SIGTERM', () => {
  it('lets a running stream finish, refuses new connections, and exits 0', async () => {
    const parley = await start({ PARLEY_PROVIDERS_DEMO_TOKEN_DELAY_MS: '10' });
    const ada = await parley.logIn('ada');
    const thread = await ada.createThread('Draining');
    const open = await ada.stream(thread, 'demo', '/long 100');
    await tokens(open, 3);
    const exited = parley.end('SIGTERM');
    const events = await open.rest();
    expect(events.map(({ type }) => type).slice(-2)).toEqual(['message_complete', 'close']);
    expect(await exited).toBe(0);
    await expect(fetch(`${parley.url}/health/live`)).rejects.toThrow();
  });

  it('waits for an answer that is not streamed, and not for its connection', async () => {
    const parley = await start({ PARLEY_PROVIDERS_DEMO_TOKEN_DELAY_MS: '10' });
    const ada = await parley.logIn('ada');
    const thread = await ada.createThread();
    const posted = ada.post(thread, 'demo', { content: '/long 50' });
    await eventually(async () => (await ada.messages(thread)).length === 2 || undefined);
    const exited = parley.end('SIGTERM');
    expect((await posted).status).toBe(200);
    const answeredAt = performance.now();
    expect(await exited).toBe(0);
    // Its keep-alive time-out is a minute, the drain limit 25 s.
    expect(performance.now() - answeredAt).toBeLessThan(10_000);
  });

  it('interrupts at the limit what does not finish, stores it, and tells its stream', async () => {
    let parley = await start({
      PARLEY_PROVIDERS_DEMO_TOKEN_DELAY_MS: '20',
      PARLEY_SERVER_DRAIN_LIMIT_MS: '300',
    });
    const ada = await parley.logIn('ada');
    const thread = await ada.createThread('Endless');
    const open = await ada.stream(thread, 'demo', '/long 5000');
    await tokens(open, 3);
    const exited = parley.end('SIGTERM');
    const events = await open.rest();
    expect(events.slice(-2)).toMatchObject([
      { type: 'error', data: { code: 'GENERATION_INTERRUPTED', retryable: true } },
      { type: 'close' },
    ]);
    expect(await exited).toBe(0);
    parley = await start({}, parley);
    const [, stored] = await ada.messages(thread);
    expect(stored).toMatchObject({ status: 'interrupted' });
    const text = events.map(({ type, data: { token } }) => (type === 'token' ? String(token) : '')).join('');
    expect(stored?.content.endsWith(text)).toBe(true);
  });

  it('given twice exits at once', async () => {
    const parley = await start({ PARLEY_PROVIDERS_DEMO_TOKEN_DELAY_MS: '50' });
    const ada = await parley.logIn('ada');
    const open = await ada.stream(await ada.createThread(), 'demo', '/long 5000');
    await tokens(open, 1);
    parley.child.kill('SIGTERM');
    await eventually(async () =>
      (await fetch(`${parley.url}/health/live`).catch(() => undefined)) ? undefined : true,
    );
    expect(await parley.end('SIGTERM')).toBe(1);
  });
});

describe('Ctrl-C, which npm passes on once more,', () => {
  it('is one signal: the stream is told, and the process exits 0', async () => {
    const parley = await start({
      PARLEY_PROVIDERS_DEMO_TOKEN_DELAY_MS: '20',
      PARLEY_SERVER_DRAIN_LIMIT_MS: '300',
    });
    const ada = await parley.logIn('ada');
    const open = await ada.stream(await ada.createThread(), 'demo', '/long 5000');
    await tokens(open, 1);
    parley.child.kill('SIGINT');
    expect(await parley.end('SIGINT')).toBe(0);
    expect((await open.rest()).at(-1)?.type).toBe('close');
  });
});

describe('a start that cannot succeed', () => {
  it('because the port is taken says so in a line, and leaves nothing running', async () => {
    const first = await start();
    const child = spawn(process.execPath, [main], {
      cwd: dataDirectory,
      env: {
        PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
        PARLEY_SERVER_PORT: new URL(first.url).port,
        PARLEY_EMBEDDED_IDENTITY_PORT: '0',
        PARLEY_EMBEDDED_DATA_DIRECTORY: dataDirectory,
      },
    });
    let output = '';
    child.stderr.on('data', (text) => (output += String(text)));
    await once(child, 'exit');
    expect(child.exitCode).toBe(1);
    expect(output).toMatch(/^The configuration is not valid:\n {2}server\.port .*free.*\n$/);
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
  });

  it('because the data directory is a file says so in a line', async () => {
    const file = path.join(dataDirectory, 'a-file');
    await writeFile(file, '');
    const child = spawn(process.execPath, [main], {
      cwd: dataDirectory,
      env: { PARLEY_SERVER_PORT: '0', PARLEY_EMBEDDED_DATA_DIRECTORY: file },
    });
    let output = '';
    child.stderr.on('data', (text) => (output += String(text)));
    await once(child, 'exit');
    expect(child.exitCode).toBe(1);
    expect(output).toMatch(/^The configuration is not valid:\n {2}embedded\.dataDirectory .*\n$/);
  });
});

describe('a configuration that is not valid', () => {
  it('is refused with every offending key and no value', async () => {
    const child = spawn(process.execPath, [main], {
      cwd: dataDirectory,
      env: {
        NODE_ENV: 'production',
        PARLEY_SESSION_SECRETS: 'canary-short',
        PARLEY_SERVER_PORT: 'canary-port',
        PARLEY_NO_SUCH_THING: 'canary-value',
      },
    });
    let output = '';
    child.stderr.on('data', (text) => (output += String(text)));
    await once(child, 'exit');
    expect(child.exitCode).toBe(1);
    for (const key of [
      'session.secrets',
      'server.port',
      'PARLEY_NO_SUCH_THING',
      'database.url',
      'oidc.issuer',
    ]) {
      expect(output).toContain(key);
    }
    expect(output).not.toContain('canary');
  });
});
