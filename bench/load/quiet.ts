import type { MeasuredServer } from '../servers/target.js';

/** A process that works less than this has nothing left to do. */
const quietShare = 0.05;

/** Waits until what is done behind answers is done, 20 s at most. */
export async function untilQuiet({ server }: MeasuredServer, lookMs = 500): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  for (let isQuiet = false; !isQuiet && performance.now() < giveUpAt;) {
    const from = { at: performance.now(), active: (await server.usage()).loopActiveMs };
    await new Promise((resolve) => setTimeout(resolve, lookMs));
    const active = (await server.usage()).loopActiveMs - from.active;
    isQuiet = active / (performance.now() - from.at) < quietShare;
  }
}
