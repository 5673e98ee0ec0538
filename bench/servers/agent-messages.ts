/** What a process has consumed since it started. */
export interface Usage {
  /** User and system time of all threads (getrusage). */
  readonly cpuMicros: number;
  /** Time in which the event loop was not waiting. */
  readonly loopActiveMs: number;
  readonly rssBytes: number;
}

export type AgentRequest = { readonly id: number } & (
  | { readonly command: 'usage' | 'start-profile' }
  | { readonly command: 'stop-profile'; readonly file: string }
);

export interface AgentAnswer {
  readonly id: number;
  readonly usage: Usage;
}
