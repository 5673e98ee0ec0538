import { createHash } from 'node:crypto';
import { DomainError } from './domain-error.js';

/** One page of a keyset list. */
export class Page<Item> {
  constructor(
    readonly items: readonly Item[],
    readonly pagination: Pagination,
  ) {}

  map<Other>(change: (item: Item) => Other): Page<Other> {
    return new Page(this.items.map(change), this.pagination);
  }
}

export interface Pagination {
  /** Leads to the next page; null on the last one. */
  readonly cursor: string | null;
  readonly limit: number;
  readonly hasMore: boolean;
  readonly totalCount?: number;
}

/** What a list is asked: everything that changes its rows or their order, and how many of them. */
export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  /** The cursor is valid only for a query with the same fingerprint. */
  readonly fingerprint: Readonly<Record<string, unknown>>;
}

const keyForms = {
  /** At most 15 digits, which a JavaScript number holds exactly. */
  integer: /^(?:0|[1-9]\d{0,14})$/,
  uuid: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/,
  time: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/,
} as const;

type KeyForm = keyof typeof keyForms;
type Keyset<Forms extends readonly KeyForm[]> = { readonly [index in keyof Forms]: string };

function fingerprintOf(query: PageQuery): string {
  const entries = Object.entries(query.fingerprint).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('base64url').slice(0, 12);
}

/** Whether the day exists and Postgres knows the year. */
function isTime(key: string): boolean {
  const time = new Date(key);
  return !isNaN(time.getTime()) && time.toISOString() === key && time.getUTCFullYear() > 0;
}

function hasForms<const Forms extends readonly KeyForm[]>(
  keys: readonly unknown[],
  forms: Forms,
): keys is Keyset<Forms> {
  return (
    keys.length === forms.length &&
    forms.every((form, index) => {
      const key = keys[index];
      return typeof key === 'string' && keyForms[form].test(key) && (form !== 'time' || isTime(key));
    })
  );
}

/**
 * The sort key of the last row that the caller has seen, or undefined on the first page.
 * @throws DomainError INVALID_CURSOR when the cursor is malformed or was made by another query.
 */
export function readCursor<const Forms extends readonly KeyForm[]>(
  query: PageQuery,
  ...forms: Forms
): Keyset<Forms> | undefined {
  if (query.cursor === undefined) return undefined;
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(query.cursor, 'base64url').toString('utf8'));
  } catch {
    decoded = undefined;
  }
  const [print, ...keys]: unknown[] = Array.isArray(decoded) ? (decoded as unknown[]) : [];
  if (print !== fingerprintOf(query) || !hasForms(keys, forms)) {
    throw new DomainError('INVALID_CURSOR', { param: 'cursor' });
  }
  return keys;
}

/** Makes a page of `limit + 1` rows: the one too many was fetched to learn whether there is more. */
export function toPage<Item>(
  query: PageQuery,
  rows: readonly Item[],
  keysetOf: (item: Item) => readonly string[],
  totalCount?: number,
): Page<Item> {
  const items = rows.slice(0, query.limit);
  const hasMore = rows.length > query.limit;
  const last = items.at(-1);
  const cursor =
    hasMore && last !== undefined
      ? Buffer.from(JSON.stringify([fingerprintOf(query), ...keysetOf(last)])).toString('base64url')
      : null;
  return new Page(items, {
    cursor,
    limit: query.limit,
    hasMore,
    ...(totalCount === undefined ? {} : { totalCount }),
  });
}
