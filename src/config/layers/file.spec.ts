import { describe, expect, it, jest } from '@jest/globals';

import { given } from '../__fixtures__/operator.js';
import { readConfigurationFile } from './file.js';
import { readLayers } from './read-layers.js';

function read(content: string) {
  const { workingDirectory } = given({ files: { 'parley.config.yaml': content } });
  const { values, problems } = readConfigurationFile(workingDirectory);
  return { values: Object.fromEntries(values), refused: problems.map(({ key }) => key) };
}

describe('file layer', () => {
  it.each([
    'server: [',
    'oidc.clientSecret: *kanarienvogel',
    'a: 1\na: 2',
    '? [a]\n: 1',
    'kanarienvogel',
    '- a',
  ])('refuses a file that is no map in valid YAML, quoting nothing of it: %j', (content) => {
    const { workingDirectory } = given({ files: { 'parley.config.yaml': content } });
    const { problems } = readConfigurationFile(workingDirectory);
    expect(problems).toMatchObject([{ key: 'parley.config.yaml', layer: 'file' }]);
    expect(JSON.stringify(problems)).not.toContain('kanarienvogel');
  });

  it('prints no warning, which would quote the file', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
    expect(read('oidc.label: !kanarienvogel x').values).toEqual({ 'oidc.label': 'x' });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('refuses unknown keys at any depth, and a section that holds a value', () => {
    const content = 'servr: { port: 1 }\nserver: { prot: 1, port: 2 }\nlog: info\n__proto__: { a: 1 }\n';
    expect(read(content)).toEqual({
      values: { 'server.port': 2 },
      refused: ['servr', 'server.prot', 'log', '__proto__'],
    });
  });

  it('refuses a key given both nested and dotted', () => {
    expect(read('server: { port: 1 }\nserver.port: 2').refused).toEqual(['server.port']);
  });

  it.each([
    { input: given({ args: ['--config', 'none.yaml'] }), key: '--config' },
    { input: given({ environment: { PARLEY_CONFIG: 'none.yaml' } }), key: 'PARLEY_CONFIG' },
  ])('refuses a path in $key that leads nowhere', ({ input, key }) => {
    expect(readLayers(input).problems).toMatchObject([{ key, layer: 'file' }]);
  });

  it('reads nested, dotted and mixed keys, and a map as one value', () => {
    const content =
      'server: { port: 1 }\nproviders.openai: { models: [a] }\nidentity.groupRoles: { a.b: user }\n';
    expect(read(content)).toEqual({
      values: {
        'server.port': 1,
        'providers.openai.models': ['a'],
        'identity.groupRoles': { 'a.b': 'user' },
      },
      refused: [],
    });
  });

  it.each(['', '# nothing\n', 'server:\n', 'server.port:\n'])('finds nothing set in %j', (content) => {
    expect(read(content)).toEqual({ values: {}, refused: [] });
  });

  it('does without the default file, and takes --config before PARLEY_CONFIG before it', () => {
    const files = {
      'parley.config.yaml': 'server.port: 1',
      'b.yaml': 'server.port: 2',
      'c.yaml': 'server.port: 3',
    };
    const environment = { PARLEY_CONFIG: 'b.yaml' };
    const port = (input: ReturnType<typeof given>) => readLayers(input).layers.file?.get('server.port');
    expect(port(given())).toBeUndefined();
    expect(port(given({ files }))).toBe(1);
    expect(port(given({ files, environment }))).toBe(2);
    expect(port(given({ files, environment, args: ['--config=c.yaml'] }))).toBe(3);
  });
});
