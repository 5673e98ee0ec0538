import { describe, expect, it } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { localOutbound } from '../../test/support/local-outbound.js';
import { Clock, SystemClock } from '../common/clock.js';
import { Log } from '../infrastructure/logging/log.js';
import { Outbound } from '../infrastructure/outbound/outbound.js';
import { type Connection } from './contract/connection.js';
import { providerKinds } from './contract/provider-kind.js';
import { ConnectionSource } from './contract/connection-source.js';
import { LlmProvidersModule } from './llm-providers.module.js';
import { ProviderRegistry } from './provider-registry.js';

class NoConnections extends ConnectionSource {
  override connections(): Promise<readonly Connection[]> {
    return Promise.resolve([]);
  }
}

@Global()
@Module({
  providers: [
    { provide: Clock, useClass: SystemClock },
    { provide: Outbound, useValue: localOutbound },
    { provide: Log, useValue: new Log({ 'log.level': 'fatal', 'log.format': 'json' }) },
  ],
  exports: [Clock, Log, Outbound],
})
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
