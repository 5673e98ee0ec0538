import { Injectable } from '@nestjs/common';
import { readCursor, toPage, type Page, type PageQuery } from '../../common/cursor.js';
import { DomainError } from '../../common/domain-error.js';
import type { Owner } from '../../common/owner.js';
import { isCancelled } from '../../infrastructure/database/database-errors.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import type { SearchKind } from './search-document.entity.js';
import type { SearchTerm } from './search-terms.js';

export interface ThreadSearch {
  readonly q: string;
  readonly orderBy: 'relevance' | 'created_at' | 'updated_at';
  readonly order: 'asc' | 'desc';
  readonly archived: boolean | 'all';
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** A thread that was found, and the part of its texts that answers best. */
interface Hit {
  readonly threadId: string;
  readonly sourceId: string;
  readonly part: number;
  readonly kind: SearchKind;
}

/** What was found: the part of the text, and those of its words that were looked for, folded. */
interface FoundText {
  readonly threadId: string;
  readonly text: string;
  readonly words: readonly string[];
}

type HitRow = Hit & { readonly key: string | Date };

/** The whole of a billionth: `ts_rank` is at most 1, so that the key of a page is an integer of at most 10 digits. */
const keys = {
  relevance: { column: 'round(best.rank * 1e9)::bigint', type: 'bigint' },
  created_at: { column: 'thread.created_at', type: 'timestamptz' },
  updated_at: { column: 'thread.updated_at', type: 'timestamptz' },
} as const;

const patienceMs = 2000;

@Injectable()
export class ThreadSearchRepository {
  constructor(private readonly transactions: Transactions) {}

  /** The query of Postgres for the terms; undefined when it has no word that is looked for, only stop words. */
  async queryOf(terms: readonly SearchTerm[]): Promise<string | undefined> {
    const rows = await this.ask<{ query: string }>(
      `SELECT websearch_to_tsquery(
                max(configuration.name)::regconfig,
                string_agg(term.operator || '"' || search_words(term.text) || '"', ' ' ORDER BY term.place)
              )::text AS query
         FROM search_configuration configuration,
              unnest($1::text[], $2::text[]) WITH ORDINALITY term(operator, text, place)`,
      [terms.map(({ operator }) => operator), terms.map(({ text }) => text)],
    );
    const query = rows[0]?.query;
    return query === '' ? undefined : query;
  }

  /**
   * The threads with a text that answers the query, each by its best text. Reads what one owner's threads say, however many there
   * are of others; see the decision of 2026-11-21.
   */
  async page(owner: Owner, tsQuery: string, search: ThreadSearch): Promise<Page<Hit>> {
    const { limit, cursor, archived, ...rest } = search;
    const pageQuery: PageQuery = { limit, cursor, fingerprint: { archived, ...rest } };
    const after = readCursor(pageQuery, search.orderBy === 'relevance' ? 'integer' : 'time', 'uuid');
    const { column, type } = keys[search.orderBy];
    const direction = search.order === 'asc' ? 'ASC' : 'DESC';
    const beyond = search.order === 'asc' ? '>' : '<';
    const [found] = await this.ask<{ count: number; hits: HitRow[] }>(
      `WITH best AS MATERIALIZED (
         SELECT DISTINCT ON (thread_id) thread_id, source_id, part, kind, ts_rank(words, $3::tsquery, 1) AS rank
           FROM search_documents
          WHERE tenant_id = $1 AND user_id = $2 AND words @@ $3::tsquery
          ORDER BY thread_id, rank DESC, source_id DESC, part
       ), found AS MATERIALIZED (
         SELECT best.*, ${column} AS key FROM best
           JOIN threads thread ON thread.tenant_id = $1 AND thread.user_id = $2 AND thread.id = best.thread_id
          WHERE $4::boolean IS NULL OR thread.archived = $4
       )
       SELECT (SELECT count(*) FROM found)::integer AS count, coalesce((
         SELECT jsonb_agg(jsonb_build_object('threadId', thread_id, 'sourceId', source_id, 'part', part, 'kind', kind,
                  'key', key) ORDER BY key ${direction}, thread_id ${direction})
           FROM (SELECT * FROM found
                  WHERE $5::${type} IS NULL OR (key, thread_id) ${beyond} ($5::${type}, $6::uuid)
                  ORDER BY key ${direction}, thread_id ${direction} LIMIT $7) hit), '[]') AS hits`,
      [
        ...[owner.tenantId, owner.userId, tsQuery, archived === 'all' ? null : archived],
        ...[after?.[0] ?? null, after?.[1] ?? null, limit + 1],
      ],
    );
    const keyOf = (key: HitRow['key']): string =>
      search.orderBy === 'relevance' ? String(key) : new Date(key).toISOString();
    return toPage(pageQuery, found?.hits ?? [], (hit) => [keyOf(hit.key), hit.threadId], found?.count ?? 0);
  }

  /** The texts behind hits: of a page of them, because finding words in a text again takes a millisecond. */
  textsOf(owner: Owner, tsQuery: string, hits: readonly Hit[]): Promise<FoundText[]> {
    return this.ask(
      `SELECT hit.thread_id AS "threadId", part.text, ARRAY(
                SELECT DISTINCT marked[1] FROM regexp_matches(
                  ts_headline(configuration.name::regconfig, search_words(part.text), $3::tsquery,
                    'HighlightAll=true, StartSel=<, StopSel=>'), '<([^>]*)>', 'g') marked) AS words
         FROM search_configuration configuration,
              unnest($4::uuid[], $5::uuid[], $6::integer[], $7::text[]) hit(thread_id, source_id, part, kind),
              LATERAL (SELECT CASE kind
                WHEN 'title' THEN (SELECT title FROM threads
                  WHERE tenant_id = $1 AND user_id = $2 AND id = hit.thread_id)
                WHEN 'summary' THEN (SELECT summary FROM thread_models
                  WHERE tenant_id = $1 AND user_id = $2 AND thread_id = hit.thread_id AND md5(model_id)::uuid = source_id)
                ELSE (SELECT content FROM messages
                  WHERE tenant_id = $1 AND user_id = $2 AND thread_id = hit.thread_id AND id = source_id)
                END AS whole OFFSET 0) source, -- fetched once: OFFSET keeps it from being inlined
              LATERAL (SELECT search_part(source.whole, hit.part) AS text OFFSET 0) part
        WHERE part.text IS NOT NULL`,
      [
        ...[owner.tenantId, owner.userId, tsQuery],
        ...[hits.map(({ threadId }) => threadId), hits.map(({ sourceId }) => sourceId)],
        ...[hits.map(({ part }) => part), hits.map(({ kind }) => kind)],
      ],
    );
  }

  /** A search that takes longer would keep a connection from others. */
  private ask<Row>(query: string, parameters: readonly unknown[]): Promise<Row[]> {
    return this.transactions
      .run(async (db) => {
        await db.query(`SET LOCAL statement_timeout = ${patienceMs}`);
        return db.query<Row[]>(query, [...parameters]);
      })
      .catch((error: unknown) => {
        throw isCancelled(error) ? new DomainError('SEARCH_TIMEOUT', { cause: error }) : error;
      });
  }
}
