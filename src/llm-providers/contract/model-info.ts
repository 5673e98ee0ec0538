import type { ProviderKind } from './provider-kind.js';

/** What is known of a model. Absent means that nobody said, not that there is no limit. */
export interface ModelInfo {
  /** The vendor's id, as it is sent back in a request. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly provider: ProviderKind;
  readonly capabilities: readonly ModelCapability[];
  /** Input and output together, in tokens. */
  readonly contextLength?: number;
  /** In tokens. */
  readonly maxOutputTokens?: number;
  readonly temperature: TemperatureRange;
  /** Which of these the vendor itself says; the other of them is what we expect of the id. */
  readonly told?: readonly ('capabilities' | 'temperature')[];
}

export const modelCapabilities = [
  'chat',
  'reasoning',
  'tools',
  'images',
  'structured_output',
  'embeddings',
] as const;

export type ModelCapability = (typeof modelCapabilities)[number];

export interface TemperatureRange {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly default: number;
}

/** A local model as its server sees it. */
export interface ModelStatus {
  readonly state: 'not_loaded' | 'loading' | 'loaded' | 'error' | 'unavailable';
  /** Bytes that the loaded model takes. */
  readonly memoryBytes?: number;
  /** When the server will unload it. */
  readonly expiresAt?: Date;
}

export interface LoadProgress {
  /** 0 to 1; absent when the server does not say. */
  readonly progress?: number;
  readonly state: ModelStatus['state'];
}
