import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { outsideRequests } from '../http/request-context.js';
import { Log } from '../logging/log.js';
import { dataSourceOptions } from './data-source-options.js';
import { Migrator } from './migrator.js';
import { Transactions } from './transactions.js';

@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [CONFIGURATION, Log],
      useFactory: (config: BootConfiguration, log: Log) => ({
        ...dataSourceOptions(config),
        // A connection that dies while idle is replaced by the pool; without a listener it would end the process.
        poolErrorHandler: (error: unknown) =>
          outsideRequests(() => log.warn({ err: error }, 'idle database connection lost')),
        autoLoadEntities: true,
        retryAttempts: 10,
        retryDelay: 1000,
      }),
    }),
  ],
  providers: [
    Transactions,
    { provide: Migrator, useFactory: (source: DataSource) => new Migrator(source), inject: [DataSource] },
  ],
  exports: [Transactions, Migrator],
})
export class DatabaseModule {}
