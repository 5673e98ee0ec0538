// Preloaded into every measured server (`node --import`): says what it has consumed, and profiles it, when the bench asks.
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { performance } from 'node:perf_hooks';
import type { AgentAnswer, AgentRequest, Usage } from './agent-messages.js';

const profilingIntervalMicros = 500;
let session: Session | undefined;

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { active } = performance.eventLoopUtilization();
  return { cpuMicros: user + system, loopActiveMs: active, rssBytes: process.memoryUsage.rss() };
}

async function startProfile(): Promise<void> {
  session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: profilingIntervalMicros });
  await session.post('Profiler.start');
}

async function stopProfile(file: string): Promise<void> {
  const result = await session?.post('Profiler.stop');
  session?.disconnect();
  await writeFile(file, JSON.stringify(result?.profile));
}

async function obey(request: AgentRequest): Promise<void> {
  if (request.command === 'start-profile') await startProfile();
  if (request.command === 'stop-profile') await stopProfile(request.file);
  const answer: AgentAnswer = { id: request.id, usage: usage() };
  process.send?.(answer);
}

process.on('message', (request) => void obey(request as AgentRequest)); // Only the bench has the channel.
// The bench is gone: end as if it had asked for it.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
