import type { ValueType } from './value-types.js';

/**
 * Where a value may come from, highest precedence first (administration.md, Settings).
 * `embedded` is what `npm start` brings along outside production; `default` is the registry.
 */
export const LAYERS = [
  'command_line',
  'environment',
  'file',
  'database:system',
  'database:tenant',
  'database:user',
  'embedded',
  'default',
] as const;
export type Layer = (typeof LAYERS)[number];

/** A layer that somebody writes to, as opposed to what Parley brings along. */
type WritableLayer = Exclude<Layer, 'embedded' | 'default'>;

type Category = 'system' | 'user_preference' | 'model_default' | 'feature_flag';

/** One declared setting. `Value` includes undefined when there is no default. */
export interface Setting<Value = unknown> {
  readonly category: Category;
  readonly type: ValueType<NonNullable<Value>>;
  readonly default: Value;
  /** Replaces `default` in production. */
  readonly productionDefault: Value;
  readonly requiredInProduction: boolean;
  readonly layers: readonly WritableLayer[];
  /** Never shown, readable from a file named by `<NAME>_FILE`, and refused in production when a placeholder. */
  readonly secret: boolean;
  /** Whether a change in a database layer waits for a restart; the other layers are read at boot only. */
  readonly restart: boolean;
  /** Well-known environment variables that set it too; the prefixed name wins. */
  readonly aliases: readonly string[];
  /** What `.env.example` prints in place of a default. */
  readonly example: string;
  readonly description: string;
}

interface Declaration<Value> {
  readonly description: string;
  readonly productionDefault?: NoInfer<Value>;
  readonly requiredInProduction?: boolean;
  readonly category?: Category;
  readonly layers?: readonly WritableLayer[];
  readonly secret?: boolean;
  readonly restart?: boolean;
  readonly aliases?: readonly string[];
  readonly example?: string;
}

/** Part of every secret that `.env.example` prints; production refuses a secret that contains it. */
export const PLACEHOLDER = 'replace-this-value';

const BOOT_LAYERS = ['command_line', 'environment', 'file'] as const;

/** Arguments are shown to every user of the machine by `ps`. */
const SECRET_LAYERS = ['environment', 'file'] as const;

/** What a setting declares that an administrator may change while Parley runs. */
export const LIVE = { layers: [...BOOT_LAYERS, 'database:system'], restart: false } as const;

/** Declares a setting; unless told otherwise it is a `system` one, read at boot only. */
export function setting<Value>(
  type: ValueType<Value>,
  declaration: Declaration<Value> & { readonly default: NoInfer<Value> },
): Setting<Value>;
export function setting<Value>(
  type: ValueType<Value>,
  declaration: Declaration<Value>,
): Setting<Value | undefined>;
export function setting<Value>(
  type: ValueType<NonNullable<Value>>,
  declaration: Declaration<Value> & { readonly default?: Value },
): Setting<Value | undefined> {
  const { secret = false } = declaration;
  return {
    category: 'system',
    default: undefined,
    productionDefault: declaration.default,
    requiredInProduction: false,
    layers: secret ? SECRET_LAYERS : BOOT_LAYERS,
    secret,
    restart: true,
    aliases: [],
    example: secret ? PLACEHOLDER : '',
    ...declaration,
    type,
  };
}
