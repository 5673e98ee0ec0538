import { Body, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { RequiresSystemAdmin } from '../auth/access.js';
import { actorOf, CurrentCaller, type Caller } from '../auth/caller.js';
import type { NumberedPage } from '../common/numbered-page.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { IdPipe } from '../infrastructure/http/id.pipe.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { NumberedPageQueryDto } from '../infrastructure/http/numbered-page-query.dto.js';
import { ChangeTenantDto, CreateTenantDto, TenantDto } from './dto/tenant.dto.js';
import { TenantsAdministration } from './tenants-administration.service.js';

const tenantId = new IdPipe('tenant', 'TENANT_NOT_FOUND');

@NativeController('tenants', 'Administration')
export class TenantsController {
  constructor(private readonly tenants: TenantsAdministration) {}

  @Get()
  @RequiresSystemAdmin()
  @Answers(TenantDto, { shape: 'numbered' })
  async list(@Query() { page, page_size: pageSize }: NumberedPageQueryDto): Promise<NumberedPage<TenantDto>> {
    const tenants = await this.tenants.list({ page, pageSize });
    return tenants.map((tenant) => new TenantDto(tenant));
  }

  @Post()
  @RequiresSystemAdmin()
  @Answers(TenantDto, { status: 201 })
  async create(
    @CurrentCaller() caller: Caller,
    @Body() { identities, ...columns }: CreateTenantDto,
  ): Promise<TenantDto> {
    const tenant = { ...columns, identities: identities.map((identity) => identity.belonging()) };
    return new TenantDto(await this.tenants.create(tenant, actorOf(caller)));
  }

  @Get(':tenantId')
  @RequiresSystemAdmin()
  @Answers(TenantDto)
  async get(@Param('tenantId', tenantId) id: string): Promise<TenantDto> {
    return new TenantDto(await this.tenants.get(id));
  }

  @Patch(':tenantId')
  @RequiresSystemAdmin()
  @Answers(TenantDto)
  async change(
    @CurrentCaller() caller: Caller,
    @Param('tenantId', tenantId) id: string,
    @Body() { identities, ...columns }: ChangeTenantDto,
  ): Promise<TenantDto> {
    const belongings = identities?.map((identity) => identity.belonging());
    const change = { ...columns, ...(belongings === undefined ? {} : { identities: belongings }) };
    return new TenantDto(await this.tenants.change(id, change, actorOf(caller)));
  }
}
