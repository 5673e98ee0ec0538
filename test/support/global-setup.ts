import { once } from 'node:events';
import { readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.js';
import { stopPostmaster } from '../../src/embedded/postmaster.js';
import {
  announceTemplates,
  dataRoots,
  dropTemplate,
  givenServer,
  makeDataDirectory,
  makerOf,
  nameTemplate,
  type Template,
} from './test-postgres.js';

/** What to undo at the end, last first. */
const undo: (() => Promise<void>)[] = [];

let template: Promise<Template> | undefined;

/**
 * One Postgres and one template database for the run. They start when the first test asks for a database, by HTTP
 * from its worker, so that runs of unit tests do not wait for them (1.9 s).
 */
export default async function globalSetup(): Promise<void> {
  await removeAbandonedRuns();
  const server = createServer((_request, response) => {
    template ??= startTemplate();
    template.then(
      (ready) => response.end(JSON.stringify(ready)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  server.unref();
  undo.push(() => server[Symbol.asyncDispose]());
  const address = server.address();
  if (typeof address === 'object' && address) announceTemplates(`http://127.0.0.1:${address.port}`);
}

/** Undoes the global setup, also after a failure half-way. */
export async function tearDown(): Promise<void> {
  await template?.catch(() => undefined);
  for (const step of undo.toReversed()) await step();
}

async function startTemplate(): Promise<Template> {
  const ready = nameTemplate(givenServer() ?? (await startServer()));
  undo.push(() => dropTemplate(ready));
  return ready;
}

async function startServer(): Promise<string> {
  const dataDirectory = await makeDataDirectory();
  undo.push(() => rm(dataDirectory, { recursive: true }));
  const server = await startEmbeddedPostgres({ dataDirectory, durable: false, log: () => undefined });
  undo.push(() => server.stop());
  return server.url;
}

/** Stops the servers and removes the data of runs that were killed before their teardown. */
async function removeAbandonedRuns(): Promise<void> {
  const made = await Promise.all(
    dataRoots.map(async (root) => (await readdir(root).catch(() => [])).map((name) => path.join(root, name))),
  );
  for (const dataDirectory of made.flat()) {
    const maker = makerOf(path.basename(dataDirectory));
    if (maker === undefined || isAlive(maker)) continue;
    const found = await stat(dataDirectory).catch(() => undefined); // Another run may clean up too.
    if (found?.uid !== process.getuid?.()) continue;
    await stopPostmaster(path.join(dataDirectory, 'postgres', 'data'));
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
