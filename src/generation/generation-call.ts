import type { GenerateRequest } from '../llm-providers/contract/generate-request.js';
import type { ResolvedModel } from '../llm-providers/provider-registry.js';
import type { JournalEvent } from './generation-event.js';

/** What is asked of whom, and who is told what happens. */
export interface GenerationCall {
  readonly target: ResolvedModel;
  readonly request: GenerateRequest;
  readonly requestId: string;
  readonly onEvent: (event: JournalEvent) => void;
}

/** How long and how large a generation may be; times in milliseconds. */
export interface GenerationLimits {
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxDurationMs: number;
  readonly maxAnswerCharacters: number;
  /** Calls of the provider, the first included. */
  readonly maxAttempts: number;
  readonly retryBaseDelayMs: number;
}
