import { Injectable } from '@nestjs/common';
import type { DomainError } from '../../common/domain-error.js';

/** How an error looks at one door. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

export interface ErrorShape {
  /** Whether the path, without its query, is of this door. */
  readonly isFor: (path: string) => boolean;
  readonly render: (error: DomainError, requestId: string) => ErrorAnswer;
}

/** The doors whose errors look otherwise than the envelope of `/api`: each tells here how. */
@Injectable()
export class ErrorShapes {
  private readonly shapes: ErrorShape[] = [];

  /** Those that were added first are asked first. */
  add(...shapes: readonly ErrorShape[]): void {
    this.shapes.push(...shapes);
  }

  for(path: string): ErrorShape | undefined {
    return this.shapes.find(({ isFor }) => isFor(path));
  }
}
