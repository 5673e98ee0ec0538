import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { effectiveTools } from './tool-policy.js';

/** Few names, so that lists overlap. */
const tools = fc.array(fc.constantFrom('search', 'fetch', 'python', 'mail', 'calendar'), { maxLength: 8 });
const policies = fc.record({ defaults: tools, allow: tools, deny: tools });

describe('effective tools', () => {
  it('are never denied ones, and else exactly those that are given by default or allowed', () => {
    fc.assert(
      fc.property(
        policies,
        fc.constantFrom('search', 'fetch', 'python', 'mail', 'calendar'),
        (policy, tool) => {
          const isGiven = policy.defaults.includes(tool) || policy.allow.includes(tool);
          expect(effectiveTools(policy).includes(tool)).toBe(isGiven && !policy.deny.includes(tool));
        },
      ),
    );
  });

  it('are told in one order, each once, however they are listed', () => {
    fc.assert(
      fc.property(policies, ({ defaults, allow, deny }) => {
        const told = effectiveTools({ defaults, allow, deny });
        expect(new Set(told).size).toBe(told.length);
        expect(
          effectiveTools({ defaults: [...allow].reverse(), allow: [...defaults].reverse(), deny }),
        ).toEqual(told);
      }),
    );
  });
});
