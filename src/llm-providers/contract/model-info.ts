import type { ProviderKind } from './connection.js';

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
}

export type ModelCapability = 'chat' | 'reasoning' | 'tools' | 'images' | 'structured_output' | 'embeddings';

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
