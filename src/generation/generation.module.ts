import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Random } from '../common/random.js';
import { JobsModule } from '../infrastructure/jobs/jobs.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { ModelsModule } from '../models/models.module.js';
import { ThreadDeletion } from '../threads/thread-deletion.js';
import { ThreadsModule } from '../threads/threads.module.js';
import { UsageModule } from '../usage/usage.module.js';
import { UsersModule } from '../users/users.module.js';
import { AnswerStreams } from './answer-streams.js';
import { AnswerWriter } from './answer-writer.js';
import { FollowUps } from './follow-ups.service.js';
import { FollowedJournals } from './followed-journals.js';
import { GenerationAdmission } from './generation-admission.service.js';
import { GenerationKeeper } from './generation-keeper.js';
import { GenerationPlans } from './generation-plans.js';
import { GenerationRuns } from './generation-run.js';
import { GenerationStarter } from './generation-starter.js';
import { GenerationService } from './generation.service.js';
import { IdempotencyKey } from './idempotency-key.entity.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import { JobOwners } from './job-owners.js';
import { JournalEntry } from './journal-entry.entity.js';
import { Journal } from './journal.js';
import { MeteredCalls } from './metered-calls.js';
import { ModelCalls } from './model-calls.js';
import { OrphanSweep } from './orphan-sweep.js';
import { Replica } from './replica.entity.js';
import { Replicas } from './replicas.js';
import { RunningGenerations } from './running-generations.js';
import { ShortTexts } from './short-texts.js';
import { Summaries } from './summaries/summaries.service.js';
import { SummaryJobs } from './summaries/summary-jobs.js';
import { TargetOrder } from './target-order.js';
import { TitleJobs } from './titles/title-jobs.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([IdempotencyKey, JournalEntry, Replica]),
    JobsModule,
    MessagesModule,
    ModelsModule,
    ThreadsModule,
    UsageModule,
    UsersModule,
  ],
  providers: [
    GenerationService,
    GenerationAdmission,
    GenerationPlans,
    GenerationStarter,
    GenerationRuns,
    MeteredCalls,
    ModelCalls,
    TargetOrder,
    Random,
    AnswerStreams,
    AnswerWriter,
    FollowedJournals,
    FollowUps,
    JobOwners,
    ShortTexts,
    Summaries,
    SummaryJobs,
    TitleJobs,
    IdempotencyKeysRepository,
    GenerationKeeper,
    OrphanSweep,
    Journal,
    Replicas,
    RunningGenerations,
  ],
  exports: [
    AnswerStreams,
    GenerationService,
    MeteredCalls,
    ModelCalls,
    Replicas,
    RunningGenerations,
    Summaries,
  ],
})
export class GenerationModule {
  constructor(deletion: ThreadDeletion, generation: GenerationService) {
    deletion.before((owner, threadId) => generation.cancelThread(owner, threadId));
  }
}
