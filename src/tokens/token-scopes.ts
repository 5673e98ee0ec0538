import { covers, type Scope } from '../auth/scopes.js';

function isBundle(scope: Scope): scope is 'read' | 'write' {
  return scope === 'read' || scope === 'write';
}

/**
 * Whether the scopes grant what a scope of a new token would. The bundles `read` and `write` mean whatever their owner may read
 * or write at the time: there has to be something.
 */
export function liesWithin(scope: Scope, granted: readonly Scope[]): boolean {
  if (!isBundle(scope)) return granted.some((one) => covers(one, scope));
  return granted.some(
    (one) => one === 'admin' || scope === 'read' || one === 'write' || one.endsWith(':write'),
  );
}
