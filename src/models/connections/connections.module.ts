import { Module } from '@nestjs/common';
import { LlmProvidersModule } from '../../llm-providers/llm-providers.module.js';
import { ConnectionChecks } from './connection-checks.service.js';
import { ConnectionDeletion } from './connection-deletion.service.js';
import { ConnectionRefusals } from './connection-refusals.service.js';
import { ConnectionStoreModule } from './connection-store.module.js';
import { ConnectionSweep } from './connection-sweep.js';
import { ConnectionWrites } from './connection-writes.service.js';
import { ConnectionsController } from './connections.controller.js';
import { Connections } from './connections.service.js';
import { Destinations } from './destinations.js';
import { TenantConnections } from './tenant-connections.js';

const llmProviders = LlmProvidersModule.forRoot({
  connectionSource: TenantConnections,
  imports: [ConnectionStoreModule],
});

/** Which vendors and servers each tenant may call, and the registry that finds models there. */
@Module({
  imports: [ConnectionStoreModule, llmProviders],
  controllers: [ConnectionsController],
  providers: [
    ConnectionChecks,
    ConnectionDeletion,
    ConnectionSweep,
    ConnectionRefusals,
    ConnectionWrites,
    Connections,
    Destinations,
  ],
  exports: [ConnectionDeletion, llmProviders],
})
export class ConnectionsModule {}
