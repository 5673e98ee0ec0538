import { boot, type RunningApp } from './boot.js';
import { ConfigurationError } from './config/configuration-error.js';
import { readProcessInput } from './config/process-input.js';
import { drain } from './drain.js';

async function start(): Promise<RunningApp> {
  try {
    return await boot(readProcessInput());
  } catch (error) {
    // What an operator can mend is told without a stack.
    const text = error instanceof ConfigurationError ? error.message : String((error as Error).stack);
    process.stderr.write(`${text}\n`);
    process.exit(1);
  }
}

async function stop({ app, embedded }: RunningApp): Promise<void> {
  const isInOrder = await drain(app);
  await embedded?.stop();
  process.exit(isInOrder ? 0 : 1);
}

/** Ctrl-C reaches us from the terminal and, passed on, from npm: within this time it is the same one, in milliseconds. */
const sameInterruptMs = 1000;

const starting = start();
let signalledAtMs: number | undefined;
function onSignal(signal: NodeJS.Signals): void {
  const now = performance.now();
  if (signalledAtMs === undefined) {
    signalledAtMs = now;
    void starting.then(stop);
    return;
  }
  if (signal === 'SIGINT' && now - signalledAtMs < sameInterruptMs) return;
  // A second signal means now. An embedded Postgres that stays behind is adopted at the next start.
  process.exit(1);
}
process.on('SIGTERM', onSignal);
process.on('SIGINT', onSignal);
process.on('SIGHUP', onSignal);
