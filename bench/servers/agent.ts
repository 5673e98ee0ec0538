// Preloaded into every measured server (`node --import`): says what it has consumed, and profiles it, when the bench asks.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Profiler } from '../profile/profiler.js';
import type { AgentAnswer, AgentRequest, Usage } from './agent-messages.js';
import { switchJournal } from './journal-switch.js';

const resolutionMs = 10;
const loopDelay = monitorEventLoopDelay({ resolution: resolutionMs });
let profiler: Profiler | undefined;

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { active } = performance.eventLoopUtilization();
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    cpuMicros: user + system,
    loopActiveMs: active,
    rssBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
    loopDelayMs: {
      p50: late(loopDelay.percentile(50)),
      p99: late(loopDelay.percentile(99)),
      max: late(loopDelay.max),
    },
  };
}

/** What is told is the time between two timers: how late the second one was is what is left. */
function late(nanoseconds: number): number {
  return Math.max(nanoseconds / 1e6 - resolutionMs, 0);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // V8's, where it is exposed.
  // Twice: what finalizers of the first one let go.
  collect();
  collect();
}

async function obey(request: AgentRequest): Promise<void> {
  switch (request.command) {
    case 'usage':
      break;
    case 'collect-garbage':
      collectGarbage();
      break;
    case 'watch-loop':
      loopDelay.enable();
      loopDelay.reset();
      break;
    case 'journal':
      await switchJournal(request.isOn);
      break;
    case 'start-profile':
      profiler = await Profiler.start();
      break;
    case 'stop-profile':
      await profiler?.stop(request.file);
      break;
  }
  const answer: AgentAnswer = { id: request.id, usage: usage() };
  process.send?.(answer);
}

process.on('message', (request) => void obey(request as AgentRequest)); // Only the bench has the channel.
// The bench is gone: end as if it had asked for it.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
