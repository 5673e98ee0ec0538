import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Log } from '../infrastructure/logging/log.js';
import { Outbound } from '../infrastructure/outbound/outbound.js';
import { DataKeys } from './data-keys.js';
import { configuredWrappers } from './key-wrappers/configured-wrappers.js';
import { KeyWrappers } from './key-wrappers/key-wrappers.js';
import { SealedSecret } from './sealed-secret.entity.js';
import { SealedSecretsRepository } from './sealed-secrets.repository.js';
import { SecretRotation } from './secret-rotation.service.js';
import { Secrets } from './secrets.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([SealedSecret])],
  providers: [
    {
      provide: KeyWrappers,
      useFactory: (config: BootConfiguration, outbound: Outbound, log: Log) =>
        configuredWrappers(config, outbound, log),
      inject: [CONFIGURATION, Outbound, Log],
    },
    DataKeys,
    SealedSecretsRepository,
    SecretRotation,
    Secrets,
  ],
  exports: [Secrets],
})
export class SecretsModule {}
