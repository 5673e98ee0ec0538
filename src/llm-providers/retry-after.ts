const delaySeconds = /^\d+(?:\.\d+)?$/;

/**
 * How long the vendor asks to wait, in milliseconds from `nowMs`; undefined when it does not say or nobody can tell
 * what it says. `Retry-After` is seconds or an HTTP date (RFC 9110, 10.2.3); `retry-after-ms` is more exact and goes
 * first, as in OpenAI's own SDKs.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const milliseconds = headers.get('retry-after-ms');
  if (milliseconds !== null && delaySeconds.test(milliseconds)) return Math.round(Number(milliseconds));

  const value = headers.get('retry-after');
  if (value === null) return undefined;
  if (delaySeconds.test(value)) return Math.round(Number(value) * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
