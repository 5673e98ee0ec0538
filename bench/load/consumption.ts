import type { MeasuredServer } from '../servers/target.js';

/** What a target consumed between two moments. */
export interface Consumption {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly helperCpuMs: number;
  /** Share of the time in which the event loop of the server was not waiting: 1 is all that one process can. */
  readonly busy: number;
}

interface Moment {
  readonly at: number;
  readonly cpuMs: number;
  readonly loopActiveMs: number;
  readonly helperCpuMs: number;
}

/** A moment from which, or up to which, to count. */
export async function moment(target: MeasuredServer, withHelpers = true): Promise<Moment> {
  const [usage, helpers] = await Promise.all([target.server.usage(), withHelpers ? target.helperCpuMs() : 0]);
  return {
    at: performance.now(),
    cpuMs: usage.cpuMicros / 1000,
    loopActiveMs: usage.loopActiveMs,
    helperCpuMs: helpers,
  };
}

export function between(start: Moment, end: Moment): Consumption {
  const wallMs = end.at - start.at;
  return {
    wallMs,
    cpuMs: end.cpuMs - start.cpuMs,
    helperCpuMs: end.helperCpuMs - start.helperCpuMs,
    busy: (end.loopActiveMs - start.loopActiveMs) / wallMs,
  };
}
