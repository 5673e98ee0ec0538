import type { PipeTransform } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import { fromWireId, type IdKind } from '../../common/ids.js';

/** Turns a TypeID in a path into its UUID. A wrong prefix or form is 404, as is what does not exist (http-api.md, Ids). */
export class IdPipe implements PipeTransform<string, string> {
  constructor(
    private readonly kind: IdKind,
    private readonly notFound: ErrorCode,
  ) {}

  transform(wireId: string): string {
    const uuid = fromWireId(this.kind, wireId);
    if (uuid === undefined) throw new DomainError(this.notFound);
    return uuid;
  }
}
