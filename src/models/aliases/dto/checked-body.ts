import { DomainError } from '../../../common/domain-error.js';
import { StrictValidationPipe } from '../../../infrastructure/http/validation.pipe.js';

const strict = new StrictValidationPipe();

/**
 * A body whose form depends on what it is for, checked like any other.
 * @throws DomainError as StrictValidationPipe does
 */
export async function checkedBody<Dto extends object>(form: new () => Dto, body: object): Promise<Dto> {
  const checked = await strict.transform(body, { type: 'body', metatype: form });
  if (!(checked instanceof form)) throw new Error(`${form.name} was not made`);
  return checked;
}

/** Which of the forms a new one has. @throws DomainError VALIDATION_FAILED */
export function kindOf<Kind extends string>(body: object, kinds: readonly Kind[]): Kind {
  const wanted: unknown = 'kind' in body ? body.kind : undefined;
  const kind = kinds.find((kind) => kind === wanted);
  if (kind !== undefined) return kind;
  const message = `kind must be one of ${kinds.join(', ')}`;
  throw new DomainError('VALIDATION_FAILED', { param: 'kind', message });
}
