import type { Setting } from './setting.js';

export const PREFIX = 'PARLEY_';

/** Every variable that sets it, the one that wins first: `server.publicUrl` is `PARLEY_SERVER_PUBLIC_URL`. */
export function environmentNames(key: string, { aliases }: Pick<Setting, 'aliases'>): readonly string[] {
  const words = key.replaceAll('.', '_').replace(/([a-z0-9])([A-Z])/g, '$1_$2');
  return [PREFIX + words.toUpperCase(), ...aliases];
}
