import { DomainError } from '../common/domain-error.js';
import { isRecord } from '../llm-providers/json-shape.js';

/**
 * An object of a request, read field by field: one that is null is not there, one of another type is refused, and what nobody has read
 * in the end is left over, so that nothing is dropped in silence.
 */
export class RequestFields {
  private readonly read = new Set<string>();

  /** @param path of the object in the request; empty for the body */
  constructor(
    private readonly fields: Readonly<Record<string, unknown>>,
    private readonly path = '',
  ) {}

  /** @throws DomainError VALIDATION_FAILED */
  static from(value: unknown, path: string): RequestFields {
    if (!isRecord(value)) throw invalid(path, 'an object');
    return new RequestFields(value, path);
  }

  /** As the request calls it. */
  pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  value(name: string): unknown {
    this.read.add(name);
    return this.fields[name] ?? undefined;
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    if (value !== undefined && typeof value !== 'string') throw invalid(this.pathOf(name), 'a string');
    return value;
  }

  requiredText(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw missing(this.pathOf(name));
    return value;
  }

  number(name: string): number | undefined {
    const value = this.value(name);
    if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value))) {
      throw invalid(this.pathOf(name), 'a number');
    }
    return value;
  }

  integer(name: string, bounds: { readonly minimum: number; readonly maximum?: number }): number | undefined {
    const value = this.number(name);
    const { minimum, maximum = Number.MAX_SAFE_INTEGER } = bounds;
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= minimum && value <= maximum)) {
      const upTo = bounds.maximum === undefined ? '' : ` and at most ${maximum}`;
      throw invalid(this.pathOf(name), `an integer of at least ${minimum}${upTo}`);
    }
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.value(name);
    if (value !== undefined && typeof value !== 'boolean') throw invalid(this.pathOf(name), 'true or false');
    return value;
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.value(name);
    const word = words.find((known) => known === value);
    if (word === undefined && value !== undefined) throw invalid(this.pathOf(name), words.join(' or '));
    return word;
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.value(name);
    if (value !== undefined && !Array.isArray(value)) throw invalid(this.pathOf(name), 'a list');
    return value;
  }

  object(name: string): RequestFields | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : RequestFields.from(value, this.pathOf(name));
  }

  requiredObject(name: string): RequestFields {
    const value = this.object(name);
    if (value === undefined) throw missing(this.pathOf(name));
    return value;
  }

  /** What is in it is for the vendor to read. */
  record(name: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.value(name);
    if (value !== undefined && !isRecord(value)) throw invalid(this.pathOf(name), 'an object');
    return value;
  }

  requiredRecord(name: string): Readonly<Record<string, unknown>> {
    const value = this.record(name);
    if (value === undefined) throw missing(this.pathOf(name));
    return value;
  }

  objects(name: string): readonly RequestFields[] | undefined {
    return this.list(name)?.map((item, index) => RequestFields.from(item, `${this.pathOf(name)}[${index}]`));
  }

  texts(name: string): readonly string[] | undefined {
    return this.list(name)?.map((item, index) => {
      if (typeof item !== 'string') throw invalid(`${this.pathOf(name)}[${index}]`, 'a string');
      return item;
    });
  }

  /** What was not read, without what asks for nothing: null, and what is empty. */
  rest(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      Object.entries(this.fields).filter(([name, value]) => !this.read.has(name) && !isEmpty(value)),
    );
  }

  /** @throws DomainError UNSUPPORTED_PARAMETER for the first field that was not read */
  refuseRest(): void {
    const [name] = Object.keys(this.rest());
    if (name !== undefined) throw unsupported(this.pathOf(name));
  }
}

function isEmpty(value: unknown): boolean {
  if (value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}

/** @param expected what it must be, in plain words */
export function invalid(param: string, expected: string): DomainError {
  return new DomainError('VALIDATION_FAILED', { message: `'${param}' must be ${expected}.`, param });
}

export function missing(param: string): DomainError {
  return new DomainError('VALIDATION_FAILED', { message: `'${param}' is required.`, param });
}

export function unsupported(param: string): DomainError {
  return new DomainError('UNSUPPORTED_PARAMETER', {
    message: `This model cannot do what '${param}' asks for.`,
    param,
  });
}
