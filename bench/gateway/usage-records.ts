import pg from 'pg';

const patienceMs = 20_000;

/** Calls that Parley was asked to make: those whose answer was read to its end, and those whose client went away. */
export interface Calls {
  complete: number;
  cutOff: number;
}

/**
 * Whether each call made one usage record: those that were read to their end with the upstream's usage, the others however they ended.
 * @returns what is wrong, if anything
 */
export async function wrongInRecords(
  url: string,
  { complete, cutOff }: Calls,
  usage: { readonly inputTokens: number; readonly outputTokens: number },
): Promise<string | undefined> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  try {
    const giveUpAt = performance.now() + patienceMs;
    for (;;) {
      const { rows } = await db.query<{ all: number; complete: number; open: number }>(
        `SELECT count(*)::int AS all, (SELECT count(*) FROM open_calls)::int AS open,
           (count(*) FILTER (WHERE status = 'complete' AND NOT estimated AND input_tokens = $1 AND output_tokens = $2))::int AS complete
         FROM usage_records`,
        [usage.inputTokens, usage.outputTokens],
      );
      const [found] = rows;
      if (found?.all === complete + cutOff && found.complete === complete && found.open === 0)
        return undefined;
      if (performance.now() > giveUpAt)
        return `usage records of ${complete} complete calls and ${cutOff} others: ${JSON.stringify(found)}`;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await db.end();
  }
}
