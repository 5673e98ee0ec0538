/** How late timers of the event loop were, in milliseconds, since the bench last asked to watch it. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What a process has consumed since it started. */
export interface Usage {
  /** User and system time of all threads (getrusage). */
  readonly cpuMicros: number;
  /** Time in which the event loop was not waiting. */
  readonly loopActiveMs: number;
  readonly rssBytes: number;
  /** Objects of V8, and what is outside its heap for them: buffers. */
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly loopDelayMs: LoopDelay;
}

export type AgentRequest = { readonly id: number } & (
  | { readonly command: 'usage' | 'collect-garbage' | 'watch-loop' | 'start-profile' }
  | { readonly command: 'stop-profile'; readonly file: string }
  | { readonly command: 'journal'; readonly isOn: boolean }
);

export interface AgentAnswer {
  readonly id: number;
  readonly usage: Usage;
}
