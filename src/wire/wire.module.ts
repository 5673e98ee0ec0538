import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { GenerationModule } from '../generation/generation.module.js';
import { ErrorShapes } from '../infrastructure/http/error-shapes.js';
import { ModelsModule } from '../models/models.module.js';
import { ResponsesModule } from '../responses/responses.module.js';
import { anthropicErrorShape } from './anthropic/anthropic-error-shape.js';
import { AnthropicMessagesController } from './anthropic/anthropic-messages.controller.js';
import { TokenCounts } from './anthropic/token-counts.service.js';
import { NativeMessagesController } from './native/native-messages.controller.js';
import { openAiErrorShape } from './openai/openai-error-shape.js';
import { OpenAiInferenceController } from './openai/openai-inference.controller.js';
import { OpenAiModelsController } from './openai/openai-models.controller.js';
import { ProgramDoor } from './program-door.js';
import { ProgramCalls } from './program-calls.service.js';
import { responsesErrorShape } from './responses/responses-error-shape.js';
import { ResponsesController } from './responses/responses.controller.js';
import { ResponsesService } from './responses/responses.service.js';

@Module({
  imports: [AuthModule, GenerationModule, ModelsModule, ResponsesModule],
  controllers: [
    AnthropicMessagesController,
    NativeMessagesController,
    OpenAiInferenceController,
    OpenAiModelsController,
    ResponsesController,
  ],
  providers: [ProgramDoor, ProgramCalls, ResponsesService, TokenCounts],
})
export class WireModule {
  constructor(shapes: ErrorShapes) {
    shapes.add(anthropicErrorShape, responsesErrorShape, openAiErrorShape);
  }
}
