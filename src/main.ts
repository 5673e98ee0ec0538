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
  await drain(app);
  await embedded?.stop();
  process.exit(0);
}

const starting = start();
let signals = 0;
function onSignal(): void {
  // A second signal means now. An embedded Postgres that stays behind is adopted at the next start.
  if (++signals > 1) process.exit(1);
  void starting.then(stop);
}
process.on('SIGTERM', onSignal);
process.on('SIGINT', onSignal);
