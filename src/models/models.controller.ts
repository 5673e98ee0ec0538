import { Get, Param } from '@nestjs/common';
import { Requires } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import { isModelGranted } from '../auth/granted-models.js';
import { DomainError } from '../common/domain-error.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { ModelIdPipe } from '../infrastructure/http/model-id.pipe.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { ProviderRegistry } from '../llm-providers/provider-registry.js';
import { Limited } from '../rate-limits/rate-limit.js';
import { ModelDto } from './dto/model.dto.js';

@NativeController('models', 'Models')
export class ModelsController {
  constructor(private readonly registry: ProviderRegistry) {}

  @Get()
  @Requires('models:read')
  @Limited('modelsRead')
  @Answers(ModelDto, { shape: 'list' })
  async list(@CurrentCaller() caller: Caller): Promise<ModelDto[]> {
    const models = await this.registry.models(caller.tenantId);
    return models.filter(({ id }) => isModelGranted(caller, id)).map((model) => new ModelDto(model));
  }

  @Get(':modelId')
  @Requires('models:read')
  @Answers(ModelDto)
  async get(
    @CurrentCaller() caller: Caller,
    @Param('modelId', ModelIdPipe) modelId: string,
  ): Promise<ModelDto> {
    const models = await this.registry.models(caller.tenantId);
    const model = models.find(({ id }) => id === modelId && isModelGranted(caller, id));
    if (model === undefined) throw new DomainError('MODEL_NOT_FOUND');
    return new ModelDto(model);
  }
}
