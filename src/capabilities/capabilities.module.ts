import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { UsersModule } from '../users/users.module.js';
import { AuthzController } from './authz.controller.js';
import { CapabilitiesController } from './capabilities.controller.js';
import { VersionController } from './version.controller.js';

/** What callers may do, and what there is to do it with. */
@Module({
  imports: [AuthModule, UsersModule],
  controllers: [AuthzController, CapabilitiesController, VersionController],
})
export class CapabilitiesModule {}
