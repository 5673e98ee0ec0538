import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { LoginTenants } from './login-tenants.service.js';
import { TenantIdentitiesRepository } from './tenant-identities.repository.js';
import { TenantIdentity } from './tenant-identity.entity.js';
import { Tenant } from './tenant.entity.js';
import { TenantsAdministration } from './tenants-administration.service.js';
import { TenantsController } from './tenants.controller.js';
import { TenantsRepository } from './tenants.repository.js';

@Module({
  imports: [TypeOrmModule.forFeature([Tenant, TenantIdentity])],
  controllers: [TenantsController],
  providers: [LoginTenants, TenantIdentitiesRepository, TenantsAdministration, TenantsRepository],
  exports: [LoginTenants],
})
export class TenantsModule {}
