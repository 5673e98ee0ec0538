import { ValidateBy } from 'class-validator';
import { fromWireId } from '../../../common/ids.js';
import { isModelId } from '../../../infrastructure/http/model-id.pipe.js';

export const maxName = 100;
const maxModels = 500;
const maxTenants = 500;
const maxHeaders = 20;
const maxOptions = 20;

/** RFC 9110, 5.6.2: token. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** RFC 9110, 5.5, without the bytes that nobody can agree on, and without white space at the ends. */
const headerValue = /^[\x21-\x7e](?:[\x20-\x7e]{0,3998}[\x21-\x7e])?$/;
const visibleName = /^(?!\s)[^\p{C}\p{Zl}\p{Zp}]+(?<!\s)$/u;
const credentialForm = /^[\x21-\x7e]{1,4000}$/;
const optionName = /^\w{1,50}$/;

/** Of the connection itself (RFC 9110, 7.6.1), made by adapters, or where a vendor looks for the credential, which has a field of its own. */
const reservedHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'accept-encoding',
  'cookie',
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
]);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHeaders(value: unknown): boolean {
  if (!isObject(value)) return false;
  const names = Object.keys(value).map((name) => name.toLowerCase());
  return (
    names.length <= maxHeaders &&
    new Set(names).size === names.length &&
    names.every((name) => headerName.test(name) && !reservedHeaders.has(name)) &&
    Object.values(value).every((text) => typeof text === 'string' && headerValue.test(text))
  );
}

function isOption(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= 200 && value.isWellFormed() && !value.includes('\0');
  return typeof value === 'boolean' || Number.isFinite(value);
}

function isOptions(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.keys(value).length <= maxOptions &&
    Object.entries(value).every(([name, option]) => optionName.test(name) && isOption(option))
  );
}

function areModels(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxModels) return false;
  return value.every(isModelId) && new Set(value).size === value.length;
}

function areTenants(value: unknown): boolean {
  if (value === 'all') return true;
  if (!Array.isArray(value) || value.length > maxTenants || new Set(value).size < value.length) return false;
  return value.every((id: unknown) => typeof id === 'string' && fromWireId('tenant', id) !== undefined);
}

function rule(name: string, validate: (value: unknown) => boolean, message: string): () => PropertyDecorator {
  return () =>
    ValidateBy({ name, validator: { validate, defaultMessage: () => `$property must be ${message}` } });
}

/** What people tell connections apart by, and keys of people are given for: no two names may look the same. */
export const IsConnectionName = rule(
  'isConnectionName',
  (value) =>
    typeof value === 'string' && value.length <= maxName && value.isWellFormed() && visibleName.test(value),
  `text of 1 to ${maxName} visible characters, without white space at its ends`,
);

export const IsBaseUrl = rule(
  'isBaseUrl',
  (value) => typeof value === 'string' && value.length <= 2000 && /^\S+$/.test(value) && URL.canParse(value),
  'an absolute URL of at most 2000 characters',
);

export const IsCredential = rule(
  'isCredential',
  (value) => typeof value === 'string' && credentialForm.test(value),
  '1 to 4000 visible ASCII characters',
);

export const IsHeaders = rule(
  'isHeaders',
  isHeaders,
  `at most ${maxHeaders} headers with values of visible ASCII, and none that Parley sets or that carries the credential`,
);

export const IsOptions = rule(
  'isOptions',
  isOptions,
  `at most ${maxOptions} options whose values are text, numbers, true or false`,
);

export const AreOfferedModels = rule('areModels', areModels, `1 to ${maxModels} different ids of models`);

export const AreTenants = rule('areTenants', areTenants, '"all", or a list of different ids of tenants');
