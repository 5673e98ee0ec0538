import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { GenerationModule } from '../generation/generation.module.js';
import { NativeMessagesController } from './native/native-messages.controller.js';

@Module({
  imports: [AuthModule, GenerationModule],
  controllers: [NativeMessagesController],
})
export class WireModule {}
