import type { ChatTarget } from '../servers/chat-target.js';
import { monotonicMs } from '../upstream/paced-upstream.js';
import { HeldStreams, type HoldingUpstream } from './held-streams.js';

export interface GoneClients {
  /** From the first byte of a request to the first byte of its answer, nothing else going on. */
  readonly firstByteMs: readonly number[];
  /** From the client's closing its connection to the upstream's seeing its own closed; infinite where it did not within 1 s. */
  readonly goneMs: readonly number[];
  readonly failures: readonly string[];
}

/** After so many that were never passed on, the others are not tried. */
const enoughInVain = 2;

/** Clients that go away after the first chunk, one after the other. */
export async function loadGoneClients(
  target: ChatTarget,
  upstream: HoldingUpstream,
  count: number,
): Promise<GoneClients> {
  const firstByteMs: number[] = [];
  const goneMs: number[] = [];
  const failures: string[] = [];
  for (let index = 0; index < count; index++) {
    const { count: before } = await upstream.cutOff();
    const stream = await HeldStreams.open(target, 1);
    firstByteMs.push(...stream.firstByteMs);
    failures.push(...stream.failures);
    const closedAt = monotonicMs();
    stream.close();
    const cutOff = await upstream.untilCutOff(before + 1);
    goneMs.push(cutOff === undefined ? Infinity : cutOff.lastAtMs - closedAt);
    if (goneMs.length === enoughInVain && goneMs.every((ms) => ms === Infinity)) break;
  }
  return { firstByteMs, goneMs, failures };
}
