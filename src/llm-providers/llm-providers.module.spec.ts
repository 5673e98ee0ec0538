import { describe, expect, it } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Clock, SystemClock } from '../common/clock.js';
import { type Connection, providerKinds } from './contract/connection.js';
import { ConnectionSource } from './contract/connection-source.js';
import { LlmProvidersModule } from './llm-providers.module.js';
import { ProviderRegistry } from './provider-registry.js';

class NoConnections extends ConnectionSource {
  override connections(): Promise<readonly Connection[]> {
    return Promise.resolve([]);
  }
}

@Global()
@Module({ providers: [{ provide: Clock, useClass: SystemClock }], exports: [Clock] })
class TestFoundation {}

describe('LlmProvidersModule', () => {
  it('has an adapter for every kind', async () => {
    const module = await Test.createTestingModule({
      imports: [TestFoundation, LlmProvidersModule.forRoot({ connectionSource: NoConnections })],
    }).compile();
    const registry = module.get(ProviderRegistry);
    expect(providerKinds.map((kind) => registry.provider(kind).kind)).toEqual(providerKinds);
    await module.close();
  });
});
