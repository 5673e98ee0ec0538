import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SecretsModule } from '../../secrets/secrets.module.js';
import { ConfiguredConnections } from '../configured-connections.js';
import { ConnectionSecrets } from './connection-secrets.service.js';
import { ConnectionTenant } from './connection-tenant.entity.js';
import { ConnectionsRepository } from './connections.repository.js';
import { StoredConnection } from './stored-connection.entity.js';

/** Where connections are kept and read, below the registry that calls them. */
@Module({
  imports: [TypeOrmModule.forFeature([StoredConnection, ConnectionTenant]), SecretsModule],
  providers: [ConfiguredConnections, ConnectionSecrets, ConnectionsRepository],
  exports: [ConfiguredConnections, ConnectionSecrets, ConnectionsRepository],
})
export class ConnectionStoreModule {}
