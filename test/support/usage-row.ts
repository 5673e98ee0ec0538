/** A usage record, as it is stored. */
export interface UsageRow {
  readonly id: string;
  readonly user_id: string;
  readonly token_id: string | null;
  readonly door: string;
  readonly model_id: string;
  readonly provider: string | null;
  readonly provider_model: string | null;
  readonly status: string;
  readonly error_code: string | null;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_input_tokens: number;
  readonly cache_write_tokens: number;
  readonly reasoning_tokens: number;
  readonly estimated: boolean;
  readonly cost_micros: string | null;
  readonly currency: string | null;
  readonly first_token_ms: number | null;
  readonly duration_ms: number;
}
