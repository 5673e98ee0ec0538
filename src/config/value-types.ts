/** The unit a number counts in, as settings and their documentation name it. */
type Unit = 'ms' | 's' | 'days' | 'bytes' | 'characters' | 'connections' | 'attempts' | 'hops' | 'requests';

/** What the settings API tells a client about the values that a type takes. */
interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minimumItems?: number;
  /** In characters; of a list, for each item. */
  readonly minimumLength?: number;
  readonly values?: readonly string[];
  readonly unit?: Unit;
}

type TypeName =
  'string' | 'currency' | 'integer' | 'number' | 'boolean' | 'duration' | 'url' | 'enum' | 'list' | 'map';

/** How one kind of value is named, bounded, read and written. */
export interface ValueType<Value> {
  readonly name: TypeName;
  readonly bounds: Bounds;
  /** Completes the sentence "expected …"; it never depends on the value that was given. */
  readonly expected: string;
  /** Reads text (command line, environment) or a native value (YAML, JSON); undefined when it does not fit. */
  parse(raw: unknown): Value | undefined;
}

/** Text that is not empty. */
export const text: ValueType<string> = {
  name: 'string',
  bounds: { minimumLength: 1 },
  expected: 'text',
  parse: (raw) => (typeof raw === 'string' && raw !== '' ? raw : undefined),
};

interface NumericBounds {
  readonly minimum: number;
  readonly maximum: number;
  readonly unit?: Unit;
}

/** A whole number within bounds, both included. */
/** A code of ISO 4217. */
export const currency: ValueType<string> = {
  name: 'currency',
  bounds: {},
  expected: 'a currency code of three capital letters, such as USD',
  parse: (raw) => (typeof raw === 'string' && /^[A-Z]{3}$/.test(raw) ? raw : undefined),
};

export function integer(bounds: NumericBounds): ValueType<number> {
  return numeric('integer', 'a whole number', /^-?\d{1,16}$/, Number.isSafeInteger, bounds);
}

/** A finite number within bounds, both included. */
export function decimal(bounds: NumericBounds): ValueType<number> {
  return numeric('number', 'a number', /^-?\d{1,16}(?:\.\d{1,16})?$/, Number.isFinite, bounds);
}

/** A whole number of milliseconds or seconds; the key says the unit too. */
export function duration(bounds: NumericBounds & { readonly unit: 'ms' | 's' }): ValueType<number> {
  return { ...integer(bounds), name: 'duration' };
}

function numeric(
  name: 'integer' | 'number',
  noun: string,
  pattern: RegExp,
  accepts: (value: number) => boolean,
  bounds: NumericBounds,
): ValueType<number> {
  const { minimum, maximum, unit } = bounds;
  return {
    name,
    bounds,
    expected: `${noun}${unit ? ` of ${unit}` : ''} from ${minimum} to ${maximum}`,
    parse: (raw) => {
      const value = typeof raw === 'string' && pattern.test(raw) ? Number(raw) : raw;
      const fits = typeof value === 'number' && accepts(value) && value >= minimum && value <= maximum;
      return fits ? value : undefined;
    },
  };
}

/** `true` or `false`, and none of the other spellings. */
export const boolean: ValueType<boolean> = {
  name: 'boolean',
  bounds: { values: ['true', 'false'] },
  expected: 'true or false',
  parse: (raw) => {
    if (typeof raw === 'boolean') return raw;
    return raw === 'true' ? true : raw === 'false' ? false : undefined;
  },
};

/** An absolute URL of one of the schemes; outside secrets it may hold no user name or password. */
export function url({ schemes = ['http', 'https'], credentials = false } = {}): ValueType<string> {
  return {
    name: 'url',
    bounds: { values: schemes.map((scheme) => `${scheme}:`) },
    expected: `an absolute ${schemes.join(' or ')} URL${credentials ? '' : ' without user name and password'}`,
    parse: (raw) => {
      if (typeof raw !== 'string') return undefined;
      const parsed = URL.parse(raw);
      if (!parsed || !schemes.includes(parsed.protocol.slice(0, -1))) return undefined;
      return credentials || (parsed.username === '' && parsed.password === '') ? raw : undefined;
    },
  };
}

/** Exactly one of the names. */
export function oneOf<const Name extends string>(...names: readonly Name[]): ValueType<Name> {
  return {
    name: 'enum',
    bounds: { values: names },
    expected: `one of ${names.join(', ')}`,
    parse: (raw) => names.find((name) => name === raw),
  };
}

/**
 * At least `minimumItems` texts of at least `minimumLength` characters each. Written as text, they are separated
 * by commas or white space.
 */
export function list({ minimumItems = 0, minimumLength = 1 } = {}): ValueType<readonly string[]> {
  const each = minimumLength === 1 ? '' : `, each of at least ${minimumLength} characters`;
  return {
    name: 'list',
    bounds: { minimumItems, minimumLength },
    expected: `a list${minimumItems === 0 ? '' : ` of ${minimumItems} or more`}, separated by commas or white space${each}`,
    parse: (raw) => {
      const items: unknown = typeof raw === 'string' ? raw.split(/[\s,]/).filter((item) => item !== '') : raw;
      if (!isListOfText(items) || items.length < minimumItems) return undefined;
      return items.every((item) => item.length >= minimumLength) ? items : undefined;
    },
  };
}

/** Origins as browsers send them (RFC 6454, 6.2): no path, no default port, small letters; neither `*` nor `null`. */
export const origins: ValueType<readonly string[]> = {
  name: 'list',
  bounds: {},
  expected:
    'a list of origins such as https://chat.acme.test, without a path, separated by commas or white space',
  parse: (raw) => {
    const items = list().parse(raw);
    return items?.every(isOrigin) === true ? items : undefined;
  },
};

function isOrigin(item: string): boolean {
  const parsed = URL.parse(item);
  // A URL may have a host with asterisks; whoever writes one expects a pattern, which it would not be.
  return parsed?.origin === item && /^https?:$/.test(parsed.protocol) && !item.includes('*');
}

/** A map from any name to one of the values; written as text, it is a JSON object. */
export function mapOf<Value extends string>(
  values: ValueType<Value>,
): ValueType<Readonly<Record<string, Value>>> {
  return {
    name: 'map',
    bounds: values.bounds,
    expected: `a map (as text: a JSON object) whose values are ${values.expected}`,
    parse: (raw) => {
      const source = typeof raw === 'string' ? parseJson(raw) : raw;
      if (!isPlainObject(source)) return undefined;
      // Without a prototype, so that asking for a name like `constructor` finds nothing.
      const map = Object.create(null) as Record<string, Value>;
      for (const [name, item] of Object.entries(source)) {
        const value = values.parse(item);
        if (value === undefined) return undefined;
        map[name] = value;
      }
      return map;
    },
  };
}

/** Whether a value read from YAML or JSON is a map, and neither a list nor null. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isListOfText(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
