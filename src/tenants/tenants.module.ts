import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TenantIdentity } from './tenant-identity.entity.js';
import { Tenant } from './tenant.entity.js';

@Module({ imports: [TypeOrmModule.forFeature([Tenant, TenantIdentity])] })
export class TenantsModule {}
