import type { Scope } from '../auth/scopes.js';
import type { ApiToken } from './api-token.entity.js';

/** What people decide of a token. */
export interface TokenFields {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null for every model that the owner may use. */
  readonly models: readonly string[] | null;
  /** CIDR as `normaliseNetwork` writes it; empty for any. */
  readonly allowedNetworks: readonly string[];
  readonly requestsPerMinute: number | null;
  /** In tokens, per calendar month in UTC. */
  readonly monthlyTokenBudget: number | null;
  /** In micro-units of the accounting currency, per calendar month in UTC. */
  readonly monthlyCostBudget: number | null;
  readonly expiresAt: Date;
}

/** What to change of them; what is undefined stays. */
export type TokenChange = { readonly [Field in keyof TokenFields]?: TokenFields[Field] | undefined };

type Columns = Pick<
  ApiToken,
  | 'name'
  | 'scopes'
  | 'models'
  | 'allowedNetworks'
  | 'requestsPerMinute'
  | 'monthlyTokenBudget'
  | 'monthlyCostBudgetMicros'
  | 'expiresAt'
>;

/** Lists are sets. */
function unique<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)];
}

/** What the database answers with for a bigint, and takes. */
function toBigint(value: number | null): string | null {
  return value === null ? null : String(value);
}

export function fromBigint(value: string | null): number | null {
  return value === null ? null : Number(value);
}

export function columnsOf(fields: TokenFields): Columns {
  return {
    name: fields.name,
    scopes: unique(fields.scopes),
    models: fields.models === null ? null : unique(fields.models),
    allowedNetworks: unique(fields.allowedNetworks),
    requestsPerMinute: fields.requestsPerMinute,
    monthlyTokenBudget: toBigint(fields.monthlyTokenBudget),
    monthlyCostBudgetMicros: toBigint(fields.monthlyCostBudget),
    expiresAt: fields.expiresAt,
  };
}

export function fieldsOf(token: ApiToken): TokenFields {
  return {
    name: token.name,
    scopes: token.scopes,
    models: token.models,
    allowedNetworks: token.allowedNetworks,
    requestsPerMinute: token.requestsPerMinute,
    monthlyTokenBudget: fromBigint(token.monthlyTokenBudget),
    monthlyCostBudget: fromBigint(token.monthlyCostBudgetMicros),
    expiresAt: token.expiresAt,
  };
}

/** The fields as they are to be. */
export function changed(fields: TokenFields, change: TokenChange): TokenFields {
  const wanted = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return { ...fields, ...wanted };
}
