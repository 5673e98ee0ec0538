/** What a process consumes. */
export interface Look {
  readonly rssBytes: number;
  /** After a garbage collection. */
  readonly heapBytes: number;
  /** Since the look before. */
  readonly loopDelayP99Ms: number;
}

/** How many of each a process holds: objects that are reachable, and what keeps its event loop alive. */
export type Held = Readonly<Record<'responses' | 'signals' | 'sockets' | 'timers', number>>;

export interface AgentRequest {
  readonly id: number;
  readonly wanted: 'look' | 'held';
}

export interface AgentAnswer {
  readonly id: number;
  readonly look?: Look;
  readonly held?: Held;
}
