import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { GenerationModule } from '../generation/generation.module.js';
import { ErrorShapes } from '../infrastructure/http/error-shapes.js';
import { MessagesModule } from '../messages/messages.module.js';
import { ModelsModule } from '../models/models.module.js';
import { ResponsesModule } from '../responses/responses.module.js';
import { ThreadsModule } from '../threads/threads.module.js';
import { ChatController } from './ai-sdk/chat.controller.js';
import { ChatService } from './ai-sdk/chat.service.js';
import { anthropicErrorShape } from './anthropic/anthropic-error-shape.js';
import { AnthropicMessagesController } from './anthropic/anthropic-messages.controller.js';
import { TokenCounts } from './anthropic/token-counts.service.js';
import { NativeMessagesController } from './native/native-messages.controller.js';
import { SummariesController } from './native/summaries.controller.js';
import { openAiErrorShape } from './openai/openai-error-shape.js';
import { OpenAiInferenceController } from './openai/openai-inference.controller.js';
import { OpenAiModelsController } from './openai/openai-models.controller.js';
import { ProgramDoor } from './program-door.js';
import { ProgramCalls } from './program-calls.service.js';
import { responsesErrorShape } from './responses/responses-error-shape.js';
import { ResponsesController } from './responses/responses.controller.js';
import { ResponsesService } from './responses/responses.service.js';

/** The doors to models: ours, that of the AI SDK, and those that programs know. */
@Module({
  imports: [AuthModule, GenerationModule, MessagesModule, ModelsModule, ResponsesModule, ThreadsModule],
  controllers: [
    AnthropicMessagesController,
    ChatController,
    NativeMessagesController,
    OpenAiInferenceController,
    OpenAiModelsController,
    ResponsesController,
    SummariesController,
  ],
  providers: [ChatService, ProgramDoor, ProgramCalls, ResponsesService, TokenCounts],
})
export class WireModule {
  constructor(shapes: ErrorShapes) {
    shapes.add(anthropicErrorShape, responsesErrorShape, openAiErrorShape);
  }
}
