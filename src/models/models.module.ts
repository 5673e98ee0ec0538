import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { UsersModule } from '../users/users.module.js';
import { AliasRecords } from './aliases/alias-records.service.js';
import { AliasRules } from './aliases/alias-rules.service.js';
import { AliasTargets } from './aliases/alias-targets.service.js';
import { AliasViews } from './aliases/alias-views.service.js';
import { KnownAliases } from './aliases/known-aliases.service.js';
import { ModelAlias } from './aliases/model-alias.entity.js';
import { ModelAliasesController } from './aliases/model-aliases.controller.js';
import { ModelAliasesRepository } from './aliases/model-aliases.repository.js';
import { ModelAliases } from './aliases/model-aliases.service.js';
import { Catalogue } from './catalogue/catalogue.service.js';
import { ModelAccess } from './catalogue/model-access.service.js';
import { ModelOverride } from './catalogue/model-override.entity.js';
import { ModelOverridesRepository } from './catalogue/model-overrides.repository.js';
import { ModelOverrides } from './catalogue/model-overrides.service.js';
import { VisibleModels } from './catalogue/visible-models.service.js';
import { CircuitBreakers } from './circuit-breakers.js';
import { ConnectionsModule } from './connections/connections.module.js';
import { LocalModelsController } from './local-models/local-models.controller.js';
import { LocalModels } from './local-models/local-models.service.js';
import { ModelLoad } from './local-models/model-load.entity.js';
import { ModelLoadsRepository } from './local-models/model-loads.repository.js';
import { ModelLoads } from './local-models/model-loads.service.js';
import { ModelStatuses } from './local-models/model-statuses.service.js';
import { ModelRoutes } from './model-routes.service.js';
import { PersonalKeysModule } from './personal-keys/personal-keys.module.js';
import { ModelsController } from './models.controller.js';

@Module({
  imports: [
    AuthModule,
    TypeOrmModule.forFeature([ModelAlias, ModelOverride, ModelLoad]),
    ConnectionsModule,
    PersonalKeysModule,
    UsersModule,
  ],
  controllers: [ModelsController, ModelAliasesController, LocalModelsController],
  providers: [
    AliasRecords,
    AliasRules,
    AliasTargets,
    AliasViews,
    KnownAliases,
    ModelAliases,
    ModelAliasesRepository,
    CircuitBreakers,
    LocalModels,
    ModelLoads,
    ModelLoadsRepository,
    ModelStatuses,
    ModelRoutes,
    Catalogue,
    ModelAccess,
    ModelOverrides,
    ModelOverridesRepository,
    VisibleModels,
  ],
  exports: [
    ConnectionsModule,
    PersonalKeysModule,
    CircuitBreakers,
    LocalModels,
    AliasViews,
    ModelRoutes,
    Catalogue,
    ModelAccess,
    VisibleModels,
  ],
})
export class ModelsModule {}
