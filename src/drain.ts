import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { CONFIGURATION, type BootConfiguration } from './config/registry.js';
import { RunningGenerations } from './generation/running-generations.js';
import { OpenSockets } from './infrastructure/http/open-sockets.js';
import { JobQueues } from './infrastructure/jobs/job-queues.service.js';
import { Lifecycle } from './infrastructure/lifecycle.js';
import { Log } from './infrastructure/logging/log.js';
import { BackgroundResponses } from './responses/background-responses.js';

const unusedCheckMs = 100;
/** Beyond the drain limit, for writing down what was interrupted. */
const closingLimitMs = 4000;

/**
 * Ends the application without cutting anybody off who can still be served (operations.md, Health): unready at once; after
 * a grace no new connections; then open requests, streams and generations have until the limit, counted from now. What is
 * left is interrupted, stored as such, and its streams are told.
 * @returns false when not everything could be put down in order, as when the database is away
 */
export async function drain(app: NestExpressApplication): Promise<boolean> {
  const config = app.get<BootConfiguration>(CONFIGURATION);
  const server: Server = app.getHttpServer();
  const limitMs = config['server.drainLimitMs'];
  const limit = wait(limitMs, undefined, { ref: false });
  const running = app.get(RunningGenerations);
  app.get(Log).info({ generations: running.ids.length, limitMs }, 'draining; a second signal stops at once');
  app.get(Lifecycle).draining();
  await app.get(JobQueues).rest();
  await Promise.race([wait(config['server.drainGraceMs']), limit]);
  const served = new Promise<void>((resolve) => server.close(() => resolve()));
  // Again and again: a connection may turn idle after the server has closed, and would stay until its keep-alive time-out.
  const sockets = app.get(OpenSockets);
  const unused = setInterval(() => sockets.closeUnused(), unusedCheckMs);
  await Promise.race([Promise.all([served, running.idle(), app.get(BackgroundResponses).idle()]), limit]);
  clearInterval(unused);
  return Promise.race([app.close().then(() => true), wait(closingLimitMs, false, { ref: false })]);
}
