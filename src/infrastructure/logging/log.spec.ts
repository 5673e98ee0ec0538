import { describe, expect, it } from '@jest/globals';
import { Log } from './log.js';

const canary = 'cAnArY0123456789abcdef';

function logged(write: (log: Log) => void): string {
  const lines: string[] = [];
  write(new Log({ 'log.level': 'trace', 'log.format': 'json' }, { write: (line) => lines.push(line) }));
  return lines.join('');
}

describe('the log', () => {
  it.each([
    ['a bearer credential', `Authorization: Bearer ${canary}`],
    ['a password in a URL', `connect postgres://parley:${canary}@db:5432/parley`],
    ['an API key by its name', `api_key=${canary}`],
    ['a key by its prefix', `refused key sk-proj-${canary}`],
    ['an API token', `token ply_${canary}${canary} refused`],
    ['a JWT', `got eyJhbGciOiJIUzI1NiJ9.${canary}.${canary}`],
    ['a cookie', `{"cookie":"parley_session=${canary}; other=1"}`],
    ['a client secret in a form', `grant_type=code&client_secret=${canary}&x=1`],
  ])('hides %s in a message', (_name, message) => {
    expect(logged((log) => log.info({}, message))).not.toContain(canary);
  });

  it('shows of an error neither foreign properties nor those of its causes', () => {
    const cause = Object.assign(new Error('refused'), {
      config: { headers: { 'x-custom': canary } },
      code: 'E42',
    });
    const text = logged((log) => log.error({ err: new Error('failed', { cause }) }, 'failed'));
    expect(text).not.toContain(canary);
    expect(JSON.parse(text)).toMatchObject({
      level: 'error',
      err: { message: 'failed', cause: { message: 'refused', code: 'E42' } },
    });
  });

  it('says of what a provider sent only its code', () => {
    const upstream = Object.assign(new Error(`400 body with ${canary}`), { status: 400 });
    const error = Object.assign(new Error('The provider refused the request.', { cause: upstream }), {
      name: 'ProviderError',
      code: 'invalid_request',
    });
    const text = logged((log) => log.error({ err: error }, 'failed'));
    expect(text).not.toContain(canary);
    expect(JSON.parse(text)).toMatchObject({ err: { code: 'invalid_request' } });
  });

  it('leaves ordinary text as it is', () => {
    expect(logged((log) => log.info({ route: '/api/threads' }, 'request'))).toContain('/api/threads');
  });
});
