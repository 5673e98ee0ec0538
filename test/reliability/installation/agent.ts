// Preloaded into the servers (`node --import`): sets the clock wrong if its URL says so, and says what the process holds when the
// test asks. Node strips its types.
import { ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { queryObjects } from 'node:v8';
import type { AgentAnswer, AgentRequest, Held, Look } from './look.js';

const aheadMs = Number(new URL(import.meta.url).searchParams.get('aheadMs') ?? 0);
if (aheadMs !== 0) {
  globalThis.Date = new Proxy(Date, {
    construct: (RightDate, values: unknown[], made) =>
      // Without a value it is now; a class that extends Date stays itself.
      Reflect.construct(RightDate, values.length === 0 ? [RightDate.now() + aheadMs] : values, made) as Date,
    get: (RightDate, name, receiver): unknown =>
      name === 'now' ? () => RightDate.now() + aheadMs : Reflect.get(RightDate, name, receiver),
  });
}

const loopDelay = monitorEventLoopDelay({ resolution: 10 });
loopDelay.enable();

function look(): Look {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const loopDelayP99Ms = loopDelay.percentile(99) / 1e6;
  loopDelay.reset();
  return { rssBytes: rss, heapBytes: heapUsed, loopDelayP99Ms };
}

/** Stops the process for seconds: it collects garbage for each kind of object. */
function count(): Held {
  const reachable = (constructor: unknown): number =>
    queryObjects(constructor as new () => unknown, { format: 'count' }); // Typed for functions alone.
  const resources = process.getActiveResourcesInfo();
  return {
    responses: reachable(ServerResponse),
    signals: reachable(AbortSignal),
    sockets: resources.filter((type) => type === 'TCPSocketWrap').length,
    timers: resources.filter((type) => type === 'Timeout').length,
  };
}

process.on('message', ({ id, wanted }: AgentRequest) => {
  const answer: AgentAnswer = wanted === 'look' ? { id, look: look() } : { id, held: count() };
  process.send?.(answer);
});
// The test is gone: end as if it had asked for it.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
