import { Module } from '@nestjs/common';
import { LlmProvidersModule } from '../llm-providers/llm-providers.module.js';
import { ConfiguredConnections } from './configured-connections.js';
import { ModelsController } from './models.controller.js';

const llmProviders = LlmProvidersModule.forRoot({ connectionSource: ConfiguredConnections });

@Module({
  imports: [llmProviders],
  controllers: [ModelsController],
  exports: [llmProviders],
})
export class ModelsModule {}
