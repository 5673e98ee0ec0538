import { type DynamicModule, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Outbound } from '../infrastructure/outbound/outbound.js';
import { AnthropicProvider } from './adapters/anthropic/anthropic.provider.js';
import { DemoProvider } from './adapters/demo/demo.provider.js';
import { GoogleProvider } from './adapters/google/google.provider.js';
import { OllamaProvider } from './adapters/ollama/ollama.provider.js';
import { OpenAiProvider } from './adapters/openai/openai.provider.js';
import { ConnectionSource } from './contract/connection-source.js';
import type { ModelProvider } from './contract/model-provider.js';
import { modelProviders, ProviderRegistry } from './provider-registry.js';

/** The adapters: a new vendor adds its line here. */
function makeProviders(clock: Clock, outbound: Outbound): readonly ModelProvider[] {
  return [
    new DemoProvider(),
    new OpenAiProvider('openai', clock, outbound),
    new OpenAiProvider('openai-compatible', clock, outbound),
    new OpenAiProvider('azure-openai', clock, outbound),
    new AnthropicProvider(clock, outbound),
    new OllamaProvider(clock, outbound),
    new GoogleProvider(clock, outbound),
  ];
}

export interface LlmProvidersOptions {
  /** Where connections come from; made by Nest, with what `imports` export. */
  readonly connectionSource: Type<ConnectionSource>;
  readonly imports?: ModuleMetadata['imports'];
}

/** Needs the foundation. */
@Module({})
export class LlmProvidersModule {
  static forRoot({ connectionSource, imports = [] }: LlmProvidersOptions): DynamicModule {
    return {
      module: LlmProvidersModule,
      imports,
      providers: [
        { provide: ConnectionSource, useClass: connectionSource },
        { provide: modelProviders, useFactory: makeProviders, inject: [Clock, Outbound] },
        ProviderRegistry,
      ],
      exports: [ConnectionSource, ProviderRegistry],
    };
  }
}
