import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../../auth/auth.module.js';
import { SecretsModule } from '../../secrets/secrets.module.js';
import { ConnectionsModule } from '../connections/connections.module.js';
import { KnownPersonalKeys } from './known-personal-keys.service.js';
import { OpenedPersonalKeys } from './opened-personal-keys.service.js';
import { PersonalKeyRecords } from './personal-key-records.service.js';
import { PersonalKeyUse } from './personal-key-use.entity.js';
import { PersonalKeyUsesRepository } from './personal-key-uses.repository.js';
import { PersonalKeyUses } from './personal-key-uses.service.js';
import { PersonalKey } from './personal-key.entity.js';
import { PersonalKeysController } from './personal-keys.controller.js';
import { PersonalKeysRepository } from './personal-keys.repository.js';
import { PersonalKeys } from './personal-keys.service.js';

@Module({
  imports: [
    AuthModule,
    ConnectionsModule,
    SecretsModule,
    TypeOrmModule.forFeature([PersonalKey, PersonalKeyUse]),
  ],
  controllers: [PersonalKeysController],
  providers: [
    KnownPersonalKeys,
    OpenedPersonalKeys,
    PersonalKeyRecords,
    PersonalKeyUses,
    PersonalKeyUsesRepository,
    PersonalKeys,
    PersonalKeysRepository,
  ],
  exports: [KnownPersonalKeys, PersonalKeyUses],
})
export class PersonalKeysModule {}
