import { Module } from '@nestjs/common';
import { ApiDescription } from './api-description.js';
import { DocumentationController } from './documentation.controller.js';

@Module({ controllers: [DocumentationController], providers: [ApiDescription] })
export class DocumentationModule {}
