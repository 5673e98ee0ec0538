import { Inject, Injectable } from '@nestjs/common';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import type { Connection, ConnectionTimeouts } from '../llm-providers/contract/connection.js';

/** The connections that settings describe: the same for every tenant, fixed until the next start. */
@Injectable()
export class ConfiguredConnections {
  readonly all: readonly Connection[];
  /** Of connections that do not say otherwise. */
  readonly defaultTimeouts: ConnectionTimeouts;

  constructor(@Inject(CONFIGURATION) config: BootConfiguration) {
    this.defaultTimeouts = timeouts(config);
    this.all = [
      ofVendor(config, 'openai'),
      ofVendor(config, 'anthropic'),
      ofVendor(config, 'google'),
      compatible(config),
      azure(config),
      ollama(config),
      demo(config),
    ].filter((connection) => connection !== undefined);
  }

  find(id: string): Connection | undefined {
    return this.all.find((connection) => connection.id === id);
  }
}

function timeouts(config: BootConfiguration): ConnectionTimeouts {
  return {
    connectMs: 10_000,
    headersMs: config['generation.firstTokenTimeoutMs'],
    idleMs: config['generation.idleTimeoutMs'],
  };
}

function listed(models: readonly string[]): { models?: readonly string[] } {
  return models.length === 0 ? {} : { models };
}

/** Where people must bring a key, the organisation's is never used in its place (models.md, Keys of people). */
function paidBy(
  config: BootConfiguration,
  kind: 'openai' | 'anthropic' | 'google' | 'compatible',
): Pick<Connection, 'credential' | 'personalKeys'> {
  const personalKeys = config[`providers.${kind}.personalKeys`];
  if (personalKeys === 'required') return { personalKeys };
  const credential = config[`providers.${kind}.apiKey`];
  return personalKeys === 'none' ? { credential } : { credential, personalKeys };
}

/** A vendor's own service: there when there is a key, or everybody has to bring one. */
function ofVendor(
  config: BootConfiguration,
  kind: 'openai' | 'anthropic' | 'google',
): Connection | undefined {
  const payment = paidBy(config, kind);
  if (payment.credential === undefined && payment.personalKeys !== 'required') return undefined;
  return {
    ...payment,
    id: kind,
    version: 1,
    kind,
    name: kind,
    baseUrl: config[`providers.${kind}.baseUrl`],
    timeouts: timeouts(config),
    ...listed(config[`providers.${kind}.models`]),
  };
}

function ollama(config: BootConfiguration): Connection | undefined {
  const baseUrl = config['providers.ollama.baseUrl'];
  if (baseUrl === undefined) return undefined;
  return {
    id: 'ollama',
    version: 1,
    kind: 'ollama',
    name: 'ollama',
    baseUrl,
    timeouts: timeouts(config),
    ...listed(config['providers.ollama.models']),
  };
}

function compatible(config: BootConfiguration): Connection | undefined {
  const baseUrl = config['providers.compatible.baseUrl'];
  if (baseUrl === undefined) return undefined;
  return {
    ...paidBy(config, 'compatible'),
    id: 'compatible',
    version: 1,
    kind: 'openai-compatible',
    name: config['providers.compatible.name'],
    baseUrl,
    timeouts: timeouts(config),
    ...listed(config['providers.compatible.models']),
  };
}

function azure(config: BootConfiguration): Connection | undefined {
  const baseUrl = config['providers.azure.baseUrl'];
  if (baseUrl === undefined) return undefined;
  const apiVersion = config['providers.azure.apiVersion'];
  return {
    id: 'azure',
    version: 1,
    kind: 'azure-openai',
    name: 'azure',
    baseUrl,
    credential: config['providers.azure.apiKey'],
    timeouts: timeouts(config),
    ...listed(config['providers.azure.models']),
    ...(apiVersion === undefined ? {} : { options: { apiVersion } }),
  };
}

function demo(config: BootConfiguration): Connection | undefined {
  if (!config['providers.demo.enabled']) return undefined;
  return {
    id: 'demo',
    version: 1,
    kind: 'demo',
    name: 'demo',
    baseUrl: '',
    timeouts: timeouts(config),
    options: { tokenDelayMs: config['providers.demo.tokenDelayMs'] },
  };
}
