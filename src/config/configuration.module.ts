import { type DynamicModule, Module } from '@nestjs/common';

import { type BootConfiguration, CONFIGURATION } from './registry.js';

/** Gives the frozen configuration to every room. */
@Module({})
export class ConfigurationModule {
  static forRoot(configuration: BootConfiguration): DynamicModule {
    return {
      module: ConfigurationModule,
      global: true,
      providers: [{ provide: CONFIGURATION, useValue: configuration }],
      exports: [CONFIGURATION],
    };
  }
}
