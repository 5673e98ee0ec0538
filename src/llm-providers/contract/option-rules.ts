import type { Connection } from './connection.js';

type OptionValue = NonNullable<Connection['options']>[string];

/** The options of a connection that an adapter knows, each with whether it can have a value. */
export type OptionRules = Readonly<Partial<Record<string, (value: OptionValue) => boolean>>>;
