import type { PipeTransform } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';

const wellFormed = /^[^\p{Cc}\p{Surrogate}]{1,200}$/u;

export function isModelId(value: unknown): value is string {
  return typeof value === 'string' && wellFormed.test(value);
}

/** A model id in a path. What cannot be one is 404 before anything is asked of the database. */
export class ModelIdPipe implements PipeTransform<string, string> {
  transform(modelId: string): string {
    if (!isModelId(modelId)) throw new DomainError('MODEL_NOT_FOUND');
    return modelId;
  }
}
