import { Get, Param } from '@nestjs/common';
import { Requires } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { ModelIdPipe } from '../infrastructure/http/model-id.pipe.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { Limited } from '../rate-limits/rate-limit.js';
import { AliasViews } from './aliases/alias-views.service.js';
import { AliasDto, anyModel } from './aliases/dto/alias.dto.js';
import { VisibleModels } from './catalogue/visible-models.service.js';
import { ModelDto } from './dto/model.dto.js';

@NativeController('models', 'Models')
export class ModelsController {
  constructor(
    private readonly models: VisibleModels,
    private readonly aliases: AliasViews,
  ) {}

  @Get()
  @Requires('models:read')
  @Limited('modelsRead')
  @Answers(anyModel, { shape: 'list' })
  async list(@CurrentCaller() caller: Caller): Promise<(ModelDto | AliasDto)[]> {
    const [models, aliases] = await Promise.all([this.models.list(caller), this.aliases.list(caller)]);
    const names = new Set(aliases.map(({ alias }) => alias.name));
    const others = models.filter(({ model }) => !names.has(model.id));
    return [
      ...others.map((model) => new ModelDto(model, caller)),
      ...aliases.map((alias) => new AliasDto(alias)),
    ];
  }

  @Get(':modelId')
  @Requires('models:read')
  @Answers(anyModel)
  async get(
    @CurrentCaller() caller: Caller,
    @Param('modelId', ModelIdPipe) modelId: string,
  ): Promise<ModelDto | AliasDto> {
    const alias = await this.aliases.find(caller, modelId);
    if (alias !== undefined) return new AliasDto(alias);
    return new ModelDto(await this.models.get(caller, modelId), caller);
  }
}
