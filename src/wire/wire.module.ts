import { Module } from '@nestjs/common';
import { GenerationModule } from '../generation/generation.module.js';
import { NativeMessagesController } from './native/native-messages.controller.js';

@Module({
  imports: [GenerationModule],
  controllers: [NativeMessagesController],
})
export class WireModule {}
