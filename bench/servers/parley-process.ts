import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rateLimitSettings } from '../../src/config/settings/rate-limit-settings.js';
import { freePort, ServerProcess } from './server-process.js';

const main = new URL('../../src/main.js', import.meta.url).pathname;

/** Counting is measured, too, and nothing is refused. */
const generousLimits = {
  ...Object.fromEntries(Object.keys(rateLimitSettings).map((key) => [key, 1_000_000])),
  'generation.maxConcurrentPerUser': 10_000,
};

/** Starts a built Parley on a free port, as `npm start` does; what `settings` do not name is embedded. */
export async function startParley(options: {
  readonly name: string;
  /** Gets what it prints, its configuration and, for the embedded parts, `data`. */
  readonly directory: string;
  /** `…/v1` of an upstream that speaks OpenAI's protocol, and the model that it has. */
  readonly upstream: string;
  readonly model: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}): Promise<{ readonly server: ServerProcess; readonly origin: string }> {
  const { name, directory, upstream, model, settings = {} } = options;
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const configFile = path.join(directory, `${name}.config.json`); // JSON is YAML.
  await writeFile(
    configFile,
    JSON.stringify({
      'server.port': port,
      'server.publicUrl': origin,
      'embedded.dataDirectory': path.join(directory, 'data'),
      'embedded.identityPort': 0,
      'providers.compatible.baseUrl': upstream,
      'providers.compatible.models': [model],
      'providers.demo.tokenDelayMs': 0,
      ...generousLimits,
      ...settings,
    }),
  );
  const server = await ServerProcess.start({
    name,
    script: main,
    arguments: ['--config', configFile],
    readyUrl: `${origin}/health/ready`,
    directory,
  });
  return { server, origin };
}
