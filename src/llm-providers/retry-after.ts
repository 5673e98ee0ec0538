const number = /^\d+(?:\.\d+)?$/;

/** RFC 9110, 5.6.7: as dates are sent today, and the two ways in which they once were; the last says no time zone. */
const httpDate =
  /^(?:[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} [\d:]{8} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/;

/** Who asks for more is asked again all the same: it may be a fault, and a timer has no room for what is much more. */
const longestMs = 60 * 60_000;

/**
 * How long the vendor asks to wait, in milliseconds from `nowMs`, an hour at most; undefined when it does not say or nobody can
 * tell what it says. `Retry-After` is seconds or an HTTP date (RFC 9110, 10.2.3); `retry-after-ms` is more exact and goes
 * first, as in OpenAI's own SDKs.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const value = headers.get('retry-after') ?? '';
  return (
    waitMs(headers.get('retry-after-ms') ?? '', 1) ??
    waitMs(value, 1000) ??
    (httpDate.test(value)
      ? bounded(Date.parse(value.endsWith('GMT') ? value : `${value} GMT`) - nowMs)
      : undefined)
  );
}

/** @param unitMs what the vendor counts in */
export function waitMs(count: string, unitMs: number): number | undefined {
  return number.test(count) ? bounded(Number(count) * unitMs) : undefined;
}

function bounded(ms: number): number | undefined {
  return Number.isFinite(ms) ? Math.min(Math.max(0, Math.round(ms)), longestMs) : undefined;
}
