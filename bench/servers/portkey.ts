import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { chatTarget, type ChatTarget } from './chat-target.js';
import { freePort, ServerProcess } from './server-process.js';

const version = '1.15.2';
const name = '@portkey-ai/gateway';
/** Git ignores it. It is no dependency: nothing but this benchmark ever runs it. */
const home = path.join(import.meta.dirname, `../../../bench/results/peer-${version}`);
const script = path.join(home, 'node_modules', name, 'build/start-server.js');
const installLimitMs = 60_000;
/** With 1.14 and later ones no stream of this version works on Node 24 (github.com/Portkey-AI/gateway/issues/1389). */
const nodeServer = { '@hono/node-server': '1.13.7' };

/** Another gateway, to compare with, installed when it is not there yet. @throws Error when the registry cannot be reached */
export async function startPortkey(options: {
  readonly directory: string;
  /** `…/v1` */
  readonly upstream: string;
  readonly model: string;
}): Promise<ChatTarget> {
  await install();
  const port = String(await freePort());
  const origin = `http://127.0.0.1:${port}`;
  const server = await ServerProcess.start({
    name: 'portkey',
    script,
    arguments: [`--port=${port}`, '--headless'],
    readyUrl: origin,
    directory: options.directory,
  });
  const headers = {
    authorization: 'Bearer none',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': options.upstream,
  };
  const { model } = options;
  return chatTarget({
    name: 'Portkey',
    server,
    origin,
    model,
    headers,
    helperCpuMs: () => Promise.resolve(0),
  });
}

async function install(): Promise<void> {
  const isThere = await access(script).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  await mkdir(home, { recursive: true });
  const wanted = { private: true, dependencies: { [name]: version }, overrides: nodeServer };
  await writeFile(path.join(home, 'package.json'), JSON.stringify(wanted));
  const how = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund', '--fetch-retries=1'];
  await promisify(execFile)('npm', ['install', '--prefix', home, ...how], { timeout: installLimitMs });
}
