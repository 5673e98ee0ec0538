import { Module, type DynamicModule } from '@nestjs/common';
import { AuditModule } from './audit/audit.module.js';
import { AuthModule } from './auth/auth.module.js';
import { CapabilitiesModule } from './capabilities/capabilities.module.js';
import { ConfigurationModule } from './config/configuration.module.js';
import type { BootConfiguration } from './config/registry.js';
import { DocumentationModule } from './documentation/documentation.module.js';
import { GenerationModule } from './generation/generation.module.js';
import { HealthModule } from './health/health.module.js';
import { DatabaseModule } from './infrastructure/database/database.module.js';
import { FoundationModule } from './infrastructure/foundation.module.js';
import { MessagesModule } from './messages/messages.module.js';
import { ModelsModule } from './models/models.module.js';
import { PortabilityModule } from './portability/portability.module.js';
import { ResponsesModule } from './responses/responses.module.js';
import { SecretsModule } from './secrets/secrets.module.js';
import { ProfileModule } from './profile/profile.module.js';
import { ThreadsModule } from './threads/threads.module.js';
import { TokensModule } from './tokens/tokens.module.js';
import { UsageModule } from './usage/usage.module.js';
import { WireModule } from './wire/wire.module.js';

/** The list of rooms. */
@Module({
  imports: [
    FoundationModule,
    DatabaseModule,
    AuditModule,
    AuthModule,
    CapabilitiesModule,
    TokensModule,
    HealthModule,
    PortabilityModule,
    ThreadsModule,
    MessagesModule,
    SecretsModule,
    ModelsModule,
    ProfileModule,
    UsageModule,
    GenerationModule,
    ResponsesModule,
    WireModule,
    DocumentationModule,
  ],
})
export class AppModule {
  static with(configuration: BootConfiguration): DynamicModule {
    return { module: AppModule, imports: [ConfigurationModule.forRoot(configuration)] };
  }
}
