import { Module } from '@nestjs/common';
import { ModelsModule } from '../models/models.module.js';
import { UsersModule } from '../users/users.module.js';
import { ProfileController } from './profile.controller.js';

@Module({ imports: [ModelsModule, UsersModule], controllers: [ProfileController] })
export class ProfileModule {}
