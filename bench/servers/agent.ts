// Preloaded into every measured server (`node --import`): says what it has consumed, and profiles it, when the bench asks.
import { performance } from 'node:perf_hooks';
import { Profiler } from '../profile/profiler.js';
import type { AgentAnswer, AgentRequest, Usage } from './agent-messages.js';

let profiler: Profiler | undefined;

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { active } = performance.eventLoopUtilization();
  return { cpuMicros: user + system, loopActiveMs: active, rssBytes: process.memoryUsage.rss() };
}

async function obey(request: AgentRequest): Promise<void> {
  if (request.command === 'start-profile') profiler = await Profiler.start();
  if (request.command === 'stop-profile') await profiler?.stop(request.file);
  const answer: AgentAnswer = { id: request.id, usage: usage() };
  process.send?.(answer);
}

process.on('message', (request) => void obey(request as AgentRequest)); // Only the bench has the channel.
// The bench is gone: end as if it had asked for it.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
