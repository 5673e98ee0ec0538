import { expect } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { UuidV7Ids } from '../../src/common/ids.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import type { IssuedTokenDto } from '../../src/tokens/dto/token.dto.js';
import type { Browser } from './browser.js';

/** What `/api` answered. */
export interface Told<Data> {
  readonly status: number;
  readonly headers: Headers;
  /** Missing when it failed. */
  readonly data: Data;
  readonly pagination: { page: number; pageSize: number; totalCount: number; hasMore: boolean };
  readonly error: { code: string; param?: string; details?: Record<string, unknown> } | undefined;
}

async function told<Data>(response: Response): Promise<Told<Data>> {
  const { status, headers } = response;
  const answer = (await response.json()) as Pick<Told<Data>, 'data' | 'pagination' | 'error'>;
  return { ...answer, status, headers };
}

/** Asks as a person in a browser. */
export async function ask<Data = IssuedTokenDto>(
  browser: Browser,
  method: string,
  path: string,
  body?: unknown,
): Promise<Told<Data>> {
  const response = await browser.fetch(path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return told(response);
}

/** Asks as a program. */
export async function askWith<Data = unknown>(
  headers: string | Readonly<Record<string, string>>,
  url: string,
  init: { readonly method?: string; readonly body?: unknown } = {},
): Promise<Told<Data>> {
  const response = await fetch(url, {
    method: init.method ?? 'GET',
    headers: {
      ...(typeof headers === 'string' ? { authorization: `Bearer ${headers}` } : headers),
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  });
  return told(response);
}

/** A second tenant, for people of the issuer whose claim says so; those without the claim stay in the default one. */
export async function addTenant(database: DataSource, issuer: string, claimValue: string): Promise<string> {
  const id = new UuidV7Ids().next();
  await database.query('INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, $2, $2, now())', [
    id,
    claimValue,
  ]);
  await database.query(
    `INSERT INTO tenant_identities (issuer, claim_value, tenant_id) VALUES ($1, '', $2), ($1, $3, $4)`,
    [issuer, defaultTenantId, claimValue, id],
  );
  return id;
}

export function expectRefusal(answer: Told<unknown>, status: number, code: string, param?: string): void {
  expect([answer.status, answer.error?.code, answer.error?.param]).toEqual([status, code, param]);
}
