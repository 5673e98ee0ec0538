import { Controller, Get, Param } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { DomainError } from '../../common/domain-error.js';
import { AliasViews, type AliasView } from '../../models/aliases/alias-views.service.js';
import { VisibleModels } from '../../models/catalogue/visible-models.service.js';
import { Limited } from '../../rate-limits/rate-limit.js';

/** https://platform.openai.com/docs/api-reference/models/object */
interface OpenAiModel {
  readonly id: string;
  readonly object: 'model';
  /** In epoch seconds; 0 for models, of which nobody says. */
  readonly created: number;
  readonly owned_by: string;
}

/** The names that a program may ask for: models, aliases and routers alike. */
@ApiExcludeController()
@Controller('v1/models')
export class OpenAiModelsController {
  constructor(
    private readonly models: VisibleModels,
    private readonly aliases: AliasViews,
  ) {}

  @Get()
  @Requires('models:read')
  @Limited('v1')
  async list(@CurrentCaller() caller: Caller): Promise<{ object: 'list'; data: OpenAiModel[] }> {
    return { object: 'list', data: await this.usable(caller) };
  }

  /** @param id its segments: names of models have slashes */
  @Get('*modelId')
  @Requires('models:read')
  @Limited('v1')
  async get(
    @CurrentCaller() caller: Caller,
    @Param('modelId') id: string | readonly string[],
  ): Promise<OpenAiModel> {
    const name = typeof id === 'string' ? id : id.join('/');
    const found = (await this.usable(caller)).find((model) => model.id === name);
    if (found === undefined) throw new DomainError('MODEL_NOT_FOUND');
    return found;
  }

  private async usable(caller: Caller): Promise<OpenAiModel[]> {
    const [models, aliases] = await Promise.all([this.models.list(caller), this.aliases.list(caller)]);
    const names = new Set(aliases.map(({ alias }) => alias.name));
    const others = models.filter(({ model }) => !names.has(model.id));
    return [
      ...others.map(({ model }) => toModel(model.id, 0, model.provider)),
      ...aliases.filter(({ reached }) => reached.leaves.length > 0).map(ofAlias),
    ];
  }
}

function ofAlias({ alias }: AliasView): OpenAiModel {
  return toModel(alias.name, Math.floor(alias.createdAt.getTime() / 1000), 'parley');
}

function toModel(id: string, created: number, ownedBy: string): OpenAiModel {
  return { id, object: 'model', created, owned_by: ownedBy };
}
