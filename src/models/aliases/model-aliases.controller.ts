import { Body, Delete, Param, Patch, Post } from '@nestjs/common';
import { ApiBody, ApiExtraModels, getSchemaPath } from '@nestjs/swagger';
import { Requires } from '../../auth/access.js';
import { CurrentCaller, type Caller } from '../../auth/caller.js';
import { DomainError } from '../../common/domain-error.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { ModelIdPipe } from '../../infrastructure/http/model-id.pipe.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { OverrideModelDto } from '../catalogue/dto/override-model.dto.js';
import { ModelOverrides } from '../catalogue/model-overrides.service.js';
import { ModelDto } from '../dto/model.dto.js';
import { AliasViews } from './alias-views.service.js';
import {
  aliasChange,
  ChangeAliasDto,
  ChangeRouterDto,
  CreateAliasDto,
  CreateRouterDto,
  newAlias,
} from './dto/alias-requests.dto.js';
import { AliasDto, anyModel, RemovedModelDto } from './dto/alias.dto.js';
import { checkedBody } from './dto/checked-body.js';
import { ModelAliases } from './model-aliases.service.js';

const newForms = [CreateAliasDto, CreateRouterDto];
const changeForms = [ChangeAliasDto, ChangeRouterDto, OverrideModelDto];

function oneOf(forms: readonly (new () => object)[]): MethodDecorator {
  return ApiBody({ schema: { oneOf: forms.map((form) => ({ $ref: getSchemaPath(form) })) } });
}

/** Aliases and routers of whoever asks, and for admins those of the tenant, and what the tenant says of models. */
@NativeController('models', 'Models')
@ApiExtraModels(...newForms, ...changeForms)
export class ModelAliasesController {
  constructor(
    private readonly aliases: ModelAliases,
    private readonly views: AliasViews,
    private readonly overrides: ModelOverrides,
  ) {}

  @Post()
  @Requires('models:write')
  @oneOf(newForms)
  @Answers(AliasDto, { status: 201 })
  async create(@CurrentCaller() caller: Caller, @Body() body: object): Promise<AliasDto> {
    const alias = await this.aliases.create(caller, await newAlias(body));
    return new AliasDto(await this.views.of(caller, alias));
  }

  @Patch(':modelId')
  @Requires('models:write')
  @oneOf(changeForms)
  @Answers(anyModel)
  async change(
    @CurrentCaller() caller: Caller,
    @Param('modelId', ModelIdPipe) modelId: string,
    @Body() body: object,
  ): Promise<AliasDto | ModelDto> {
    const alias = await this.aliases.findChangeable(caller, modelId);
    if (alias === undefined) {
      refuseOthersThanAdmins(caller);
      const change = await checkedBody(OverrideModelDto, body);
      return new ModelDto(await this.overrides.change(caller, modelId, change), caller);
    }
    const changed = await this.aliases.change(caller, alias, await aliasChange(alias.kind, body));
    return new AliasDto(await this.views.of(caller, changed));
  }

  @Delete(':modelId')
  @Requires('models:write')
  @Answers(RemovedModelDto)
  async remove(
    @CurrentCaller() caller: Caller,
    @Param('modelId', ModelIdPipe) modelId: string,
  ): Promise<RemovedModelDto> {
    const alias = await this.aliases.findChangeable(caller, modelId);
    if (alias !== undefined) {
      await this.aliases.remove(caller, alias);
      return new RemovedModelDto(modelId, alias.kind);
    }
    refuseOthersThanAdmins(caller);
    await this.overrides.reset(caller, modelId);
    return new RemovedModelDto(modelId, 'model');
  }
}

/** Models are for admins to change; for others nothing of theirs has the name. */
function refuseOthersThanAdmins({ role }: Caller): void {
  if (role !== 'admin') throw new DomainError('MODEL_NOT_FOUND');
}
