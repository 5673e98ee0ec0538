import type { PipeTransform } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';

const wellFormed = /^[^\p{Cc}\p{Surrogate}]{1,200}$/u;

/** A model id in a path. What cannot be one is 404 before anything is asked of the database. */
export class ModelIdPipe implements PipeTransform<string, string> {
  transform(modelId: string): string {
    if (!wellFormed.test(modelId)) throw new DomainError('MODEL_NOT_FOUND');
    return modelId;
  }
}
