import { Inject, Injectable } from '@nestjs/common';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import type { Connection, ConnectionTimeouts } from '../llm-providers/contract/connection.js';
import { ConnectionSource } from '../llm-providers/contract/connection-source.js';

/** The connections that settings describe: the same for every tenant, fixed until the next start. */
@Injectable()
export class ConfiguredConnections extends ConnectionSource {
  private readonly all: readonly Connection[];

  constructor(@Inject(CONFIGURATION) config: BootConfiguration) {
    super();
    this.all = [
      ofVendor(config, 'openai'),
      ofVendor(config, 'anthropic'),
      ofVendor(config, 'google'),
      compatible(config),
      ollama(config),
      demo(config),
    ].filter((connection) => connection !== undefined);
  }

  override connections(_tenantId: string): Promise<readonly Connection[]> {
    return Promise.resolve(this.all);
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

/** A vendor's own service: there when there is a key. */
function ofVendor(
  config: BootConfiguration,
  kind: 'openai' | 'anthropic' | 'google',
): Connection | undefined {
  const credential = config[`providers.${kind}.apiKey`];
  if (credential === undefined) return undefined;
  return {
    id: kind,
    version: 1,
    kind,
    name: kind,
    baseUrl: config[`providers.${kind}.baseUrl`],
    credential,
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
    id: 'compatible',
    version: 1,
    kind: 'openai-compatible',
    name: config['providers.compatible.name'],
    baseUrl,
    credential: config['providers.compatible.apiKey'],
    timeouts: timeouts(config),
    ...listed(config['providers.compatible.models']),
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
