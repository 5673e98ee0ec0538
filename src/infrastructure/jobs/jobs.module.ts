import { Module } from '@nestjs/common';
import { JobQueues } from './job-queues.service.js';
import { JobTables } from './job-tables.repository.js';

@Module({ providers: [JobQueues, JobTables], exports: [JobQueues] })
export class JobsModule {}
