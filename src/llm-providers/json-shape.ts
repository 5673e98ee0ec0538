/** JSON from a vendor that is not of the documented shape. Names the place, never the value. */
export class UnexpectedShapeError extends Error {
  override readonly name = 'UnexpectedShapeError';

  constructor(place: string, expected: string) {
    super(`${place} is not ${expected}`);
  }
}

/**
 * A JSON object read with suspicion: a field that is missing or null is undefined, one of another type throws
 * UnexpectedShapeError, and one that nobody asks for does not matter.
 */
export class JsonObject {
  private constructor(
    private readonly fields: Readonly<Record<string, unknown>>,
    private readonly place: string,
  ) {}

  static from(value: unknown, place: string): JsonObject {
    if (!isRecord(value)) throw new UnexpectedShapeError(place, 'an object');
    return new JsonObject(value, place);
  }

  /** Whatever is there. */
  value(key: string): unknown {
    return this.fields[key] ?? undefined;
  }

  /** A string with something in it; an empty one is undefined too. */
  text(key: string): string | undefined {
    const value = this.value(key);
    if (value !== undefined && typeof value !== 'string') throw this.unexpected(key, 'a string');
    return value === '' ? undefined : value;
  }

  requiredText(key: string): string {
    const value = this.text(key);
    if (value === undefined) throw this.unexpected(key, 'a string');
    return value;
  }

  /** A whole number that is not negative: tokens, an index. */
  count(key: string): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw this.unexpected(key, 'a count');
    }
    return value;
  }

  requiredCount(key: string): number {
    const value = this.count(key);
    if (value === undefined) throw this.unexpected(key, 'a count');
    return value;
  }

  /** Any number that JSON has, but none beyond those of JavaScript, such as 1e999. */
  number(key: string): number | undefined {
    const value = this.value(key);
    if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value))) {
      throw this.unexpected(key, 'a number');
    }
    return value;
  }

  requiredNumber(key: string): number {
    const value = this.number(key);
    if (value === undefined) throw this.unexpected(key, 'a number');
    return value;
  }

  object(key: string): JsonObject | undefined {
    const value = this.value(key);
    return value === undefined ? undefined : JsonObject.from(value, `${this.place}.${key}`);
  }

  requiredObject(key: string): JsonObject {
    const value = this.object(key);
    if (value === undefined) throw this.unexpected(key, 'an object');
    return value;
  }

  objects(key: string): readonly JsonObject[] | undefined {
    return this.list(key)?.map((item, index) => JsonObject.from(item, `${this.place}.${key}[${index}]`));
  }

  requiredObjects(key: string): readonly JsonObject[] {
    const value = this.objects(key);
    if (value === undefined) throw this.unexpected(key, 'a list');
    return value;
  }

  /** Whatever is in it. */
  requiredList(key: string): readonly unknown[] {
    const value = this.list(key);
    if (value === undefined) throw this.unexpected(key, 'a list');
    return value;
  }

  texts(key: string): readonly string[] | undefined {
    return this.list(key)?.map((item, index) => {
      if (typeof item !== 'string') throw this.unexpected(`${key}[${index}]`, 'a string');
      return item;
    });
  }

  requiredNumbers(key: string): readonly number[] {
    return (this.list(key) ?? []).map((item, index) => {
      if (typeof item !== 'number') throw this.unexpected(`${key}[${index}]`, 'a number');
      return item;
    });
  }

  private list(key: string): readonly unknown[] | undefined {
    const value = this.value(key);
    if (value !== undefined && !Array.isArray(value)) throw this.unexpected(key, 'a list');
    return value;
  }

  private unexpected(key: string, expected: string): UnexpectedShapeError {
    return new UnexpectedShapeError(`${this.place}.${key}`, expected);
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
