import type { Connection } from '../../contract/connection.js';
import { openAiOptions } from './connection-options.js';
import type { OpenAiKind } from './openai-kind.js';

export type Operation = '/chat/completions' | '/completions' | '/responses' | '/embeddings' | '/models';

/** Where the server of one connection has its operations, and how it is let in. */
export interface Endpoint {
  readonly baseUrl: string;
  /** With the credential, and what the connection adds. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** The path of an operation, below the base URL. */
  path(operation: Operation, model: string | undefined): string;
}

export function endpointOf(connection: Connection, kind: OpenAiKind): Endpoint {
  return kind === 'azure-openai' ? azureEndpoint(connection) : plainEndpoint(connection);
}

function plainEndpoint({ baseUrl, credential, headers }: Connection): Endpoint {
  return {
    baseUrl,
    headers: { ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }), ...headers },
    query: {},
    path: (operation) => operation,
  };
}

/** In the classic API these belong to a deployment; responses and models are the resource's. */
const deploymentOperations: ReadonlySet<Operation> = new Set([
  '/chat/completions',
  '/completions',
  '/embeddings',
]);

/**
 * A resource such as `https://NAME.openai.azure.com`, whose models are called by the names of their deployments.
 * v1: https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle;
 * classic: https://learn.microsoft.com/azure/ai-foundry/openai/reference
 */
function azureEndpoint(connection: Connection): Endpoint {
  const { baseUrl, credential, headers } = connection;
  const { apiVersion } = openAiOptions(connection, 'azure-openai');
  // The portal shows the URL with and without the API's path, so people write it either way.
  const resource = baseUrl.replace(/(?:\/openai(?:\/v1)?)?\/*$/, '');
  const isClassic = apiVersion !== undefined;
  return {
    baseUrl: `${resource}/openai${isClassic ? '' : '/v1'}`,
    headers: { ...(credential === undefined ? {} : { 'api-key': credential }), ...headers },
    query: isClassic ? { 'api-version': apiVersion } : {},
    path: (operation, model) =>
      isClassic && model !== undefined && deploymentOperations.has(operation)
        ? `/deployments/${encodeURIComponent(model)}${operation}`
        : operation,
  };
}
