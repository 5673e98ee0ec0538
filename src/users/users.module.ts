import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TenantsModule } from '../tenants/tenants.module.js';
import { CurrentUsers } from './current-users.service.js';
import { LocalPeople } from './local-people.service.js';
import { LoginRoles } from './login-roles.service.js';
import { Profile } from './profile/profile.entity.js';
import { ProfileService } from './profile/profile.service.js';
import { ServiceAccounts } from './service-accounts.service.js';
import { UserDirectory } from './user-directory.repository.js';
import { UserController } from './user.controller.js';
import { User } from './user.entity.js';
import { UsersAdministration } from './users-administration.service.js';
import { UsersController } from './users.controller.js';
import { UsersRepository } from './users.repository.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Profile, User]), TenantsModule],
  controllers: [UserController, UsersController],
  providers: [
    CurrentUsers,
    LocalPeople,
    LoginRoles,
    ProfileService,
    ServiceAccounts,
    UserDirectory,
    UsersAdministration,
    UsersRepository,
    UsersService,
  ],
  exports: [CurrentUsers, LocalPeople, ProfileService, ServiceAccounts, UsersService],
})
export class UsersModule {}
