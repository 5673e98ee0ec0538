import { toWireId } from '../common/ids.js';
import type { UsageRecordRow } from './usage-record.entity.js';

const columns: Readonly<Record<string, (record: UsageRecordRow) => string | number | boolean | null>> = {
  time: ({ createdAt }) => createdAt.toISOString(),
  tenant: ({ tenantId }) => toWireId('tenant', tenantId),
  user: ({ userId }) => toWireId('user', userId),
  token: ({ tokenId }) => (tokenId === null ? null : toWireId('token', tokenId)),
  door: ({ door }) => door,
  model: ({ modelId }) => modelId,
  provider: ({ provider }) => provider,
  provider_model: ({ providerModel }) => providerModel,
  personal_key: ({ personalKey }) => personalKey,
  status: ({ status }) => status,
  error_code: ({ errorCode }) => errorCode,
  input_tokens: ({ inputTokens }) => inputTokens,
  output_tokens: ({ outputTokens }) => outputTokens,
  cached_input_tokens: ({ cachedInputTokens }) => cachedInputTokens,
  cache_write_tokens: ({ cacheWriteTokens }) => cacheWriteTokens,
  reasoning_tokens: ({ reasoningTokens }) => reasoningTokens,
  estimated: ({ estimated }) => estimated,
  cost_micros: ({ costMicros }) => costMicros,
  currency: ({ currency }) => currency,
  first_token_ms: ({ firstTokenMs }) => firstTokenMs,
  duration_ms: ({ durationMs }) => durationMs,
};

/** Comma-separated values with a header (RFC 4180), some lines at a time. */
export async function* toCsv(
  batches: AsyncIterable<readonly UsageRecordRow[]>,
): AsyncGenerator<string, void, undefined> {
  let header = `${Object.keys(columns).join()}\r\n`;
  for await (const records of batches) {
    const lines = records.map((record) =>
      Object.values(columns)
        .map((column) => field(column(record)))
        .join(),
    );
    const text = header + lines.map((line) => `${line}\r\n`).join('');
    header = '';
    if (text !== '') yield text;
  }
}

/** What a spreadsheet would take for a formula begins with an apostrophe: names of models are people's own. */
function field(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return value === null ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
