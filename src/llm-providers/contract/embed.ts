export interface EmbedRequest {
  /** The vendor's id of the model. */
  readonly model: string;
  readonly inputs: readonly string[];
  /** How long the vectors are to be; as long as the model makes them when undefined. An adapter that cannot ask for it refuses it. */
  readonly dimensions?: number | undefined;
}

export interface EmbedResult {
  /** One vector for each input, in the order of the inputs. */
  readonly vectors: readonly (readonly number[])[];
  /** Absent when the vendor did not say. */
  readonly inputTokens?: number;
}
