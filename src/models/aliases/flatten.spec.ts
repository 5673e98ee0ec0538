import { describe, expect, it } from '@jest/globals';
import { AliasNames } from './alias-names.js';
import { flatten, maxLeaves, type FlattenedAlias, type TargetProblem } from './flatten.js';
import type { TargetReference } from './target-reference.js';

interface Found {
  readonly model: string;
}

const blank = {
  ownerId: 'ada',
  parameters: {},
  systemPrompt: null,
  contextTokens: null,
  strategy: 'ordered',
  maxAttempts: null,
  cooldownMs: 0,
} as const;

/** `m*2` is a target with the weight 2, `m@c` one of the connection c. */
function reference(text: string): TargetReference {
  const [, model = '', connection, weight] = /^([^@*]+)(?:@([^*]+))?(?:\*(.+))?$/.exec(text) ?? [];
  return {
    model,
    ...(connection === undefined ? {} : { connection }),
    ...(weight === undefined ? {} : { weight: Number(weight) }),
  };
}

function alias(name: string, target: string, fields: Partial<FlattenedAlias> = {}): FlattenedAlias {
  return { ...blank, id: `id of ${name}`, name, kind: 'alias', targets: [reference(target)], ...fields };
}

function router(name: string, targets: string[], fields: Partial<FlattenedAlias> = {}): FlattenedAlias {
  return { ...blank, id: `id of ${name}`, name, kind: 'router', targets: targets.map(reference), ...fields };
}

const weighted = { strategy: 'weighted' } as const;
const shared = { ownerId: null } as const;

/** @param gone the models that are not there */
function flattened(
  start: FlattenedAlias,
  {
    others = [],
    gone = {},
    granted,
  }: {
    others?: FlattenedAlias[];
    gone?: Record<string, TargetProblem>;
    granted?: string[];
  } = {},
) {
  const all = [start, ...others];
  const names = new AliasNames(
    all.filter(({ ownerId }) => ownerId !== null),
    all.filter(({ ownerId }) => ownerId === null),
  );
  return flatten<Found>(start, {
    names,
    find: ({ model, connection }) =>
      gone[model] ?? { model: connection === undefined ? model : `${model}@${connection}` },
    isGranted: (name) => granted?.includes(name) ?? true,
  });
}

function models(...args: Parameters<typeof flattened>): string[] {
  return flattened(...args).leaves.map(({ found }) => found.model);
}

function reasons(...args: Parameters<typeof flattened>): string[] {
  return flattened(...args).problems.map(({ reference: { model }, reason }) => `${model} ${reason}`);
}

function weights(...args: Parameters<typeof flattened>): Record<string, number> {
  return Object.fromEntries(flattened(...args).leaves.map(({ found, weight }) => [found.model, weight]));
}

describe('what stands in the way', () => {
  it('is a model that cannot be used, by the reason that is told', () => {
    const start = router('r', ['a', 'b', 'c']);
    const gone = { a: 'unavailable', c: 'unreachable' } as const;
    expect(models(start, { gone })).toEqual(['b']);
    expect(reasons(start, { gone })).toEqual(['a unavailable', 'c unreachable']);
    expect(flattened(start, { gone }).branches.map(({ leaves }) => leaves.length)).toEqual([0, 1, 0]);
  });

  it('is a way that leads back, directly and through others, and nothing but that way', () => {
    expect(reasons(alias('a', 'a'))).toEqual(['a cycle']);
    expect(reasons(alias('a', 'b'), { others: [alias('b', 'a')] })).toEqual(['a cycle']);
    const others = [router('b', ['m', 'c']), router('c', ['a', 'n'])];
    expect(models(alias('a', 'b'), { others })).toEqual(['m', 'n']);
    expect(reasons(alias('a', 'b'), { others })).toEqual(['a cycle']);
  });

  it('is not that two ways lead to the same', () => {
    const others = [alias('x', 'z'), alias('y', 'z'), alias('z', 'm')];
    expect(models(router('r', ['x', 'y']), { others })).toEqual(['m', 'm']);
    expect(reasons(router('r', ['x', 'y']), { others })).toEqual([]);
  });

  it('is a sixth alias within the others', () => {
    const chain = (length: number): FlattenedAlias[] =>
      Array.from({ length }, (_, index) =>
        alias(`a${index + 1}`, index + 1 === length ? 'm' : `a${index + 2}`),
      );
    const [five, ...fiveOthers] = chain(5);
    const [six, ...sixOthers] = chain(6);
    expect(five && models(five, { others: fiveOthers })).toEqual(['m']);
    expect(six && reasons(six, { others: sixOthers })).toEqual(['a6 too_large']);
  });

  it('is a number of models beyond reason, found out in reasonable time', () => {
    const twenty = (target: string): string[] => Array.from({ length: 20 }, () => target);
    const others = [
      router('b', twenty('c')),
      router('c', twenty('d')),
      router('d', twenty('e')),
      router('e', twenty('m')),
    ];
    const begun = performance.now();
    const { leaves, problems } = flattened(router('a', twenty('b')), { others });
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(leaves).toHaveLength(maxLeaves);
    expect(problems.length).toBeGreaterThan(0);
    expect(new Set(problems.map(({ reason }) => reason))).toEqual(new Set(['too_large']));
  });

  it('is a token that does not include what a personal alias leads to, on every step', () => {
    const others = [alias('b', 'm')];
    expect(reasons(alias('a', 'b'), { others, granted: ['a', 'm'] })).toEqual(['b not_granted']);
    expect(reasons(alias('a', 'b'), { others, granted: ['a', 'b'] })).toEqual(['m not_granted']);
    expect(models(alias('a', 'b'), { others, granted: ['a', 'b', 'm'] })).toEqual(['m']);
  });

  it('is no token behind an alias of the tenant', () => {
    const others = [router('b', ['c', 'm'], shared), alias('c', 'n', shared)];
    expect(models(alias('a', 'b'), { others, granted: ['a', 'b'] })).toEqual(['n', 'm']);
  });
});

describe('a name', () => {
  it("that the tenant's alias leads to means nothing personal", () => {
    const others = [alias('m', 'personal')];
    expect(models(alias('t', 'm', shared), { others })).toEqual(['m']);
    expect(models(alias('a', 't'), { others: [...others, alias('t', 'm', shared)] })).toEqual(['m']);
    expect(models(alias('a', 'm'), { others })).toEqual(['personal']);
  });

  it('is personal before it is the tenant’s', () => {
    const others = [alias('x', 'mine'), alias('x', 'ours', { ...shared, id: 'other' })];
    expect(models(alias('a', 'x'), { others })).toEqual(['mine']);
    expect(models(alias('t', 'x', shared), { others })).toEqual(['ours']);
  });

  it('with a connection is that of a model, whatever aliases there are', () => {
    expect(models(alias('a', 'b@east'), { others: [alias('b', 'm')] })).toEqual(['b@east']);
    expect(models(alias('a', 'a@east'))).toEqual(['a@east']);
  });
});

describe('aliases of aliases', () => {
  const outer = alias('a', 'b', { parameters: { temperature: 1, reasoning: { effort: 'low' } } });
  const inner = alias('b', 'm', {
    parameters: { temperature: 0, topP: 0.5, reasoning: { budgetTokens: 9 } },
    systemPrompt: 'inner',
    contextTokens: 1000,
  });

  it('say together what the outermost says, completed by the inner ones', () => {
    expect(flattened(outer, { others: [inner] }).leaves).toEqual([
      {
        found: { model: 'm' },
        parameters: { temperature: 1, topP: 0.5, reasoning: { effort: 'low' } },
        systemPrompt: 'inner',
        contextTokens: 1000,
        weight: 1,
      },
    ]);
  });

  it('have the outermost system prompt and the smallest context', () => {
    const [leaf] = flattened(
      { ...outer, systemPrompt: 'outer', contextTokens: 2000 },
      { others: [inner] },
    ).leaves;
    expect(leaf).toMatchObject({ systemPrompt: 'outer', contextTokens: 1000 });
    const [other] = flattened({ ...outer, contextTokens: 500 }, { others: [inner] }).leaves;
    expect(other).toMatchObject({ systemPrompt: 'inner', contextTokens: 500 });
  });

  it('say it of their own target only', () => {
    const { leaves } = flattened(router('r', ['b', 'n']), { others: [inner] });
    expect(leaves.map(({ parameters }) => parameters)).toEqual([inner.parameters, {}]);
    expect(leaves[1]?.systemPrompt).toBeUndefined();
  });

  it('have the policy of the outermost router on the way, or none', () => {
    const first = router('first', ['second', 'm']);
    const others = [first, router('second', ['n'], weighted)];
    expect(flattened(alias('a', 'first'), { others }).router).toBe(first);
    expect(flattened(alias('a', 'm')).router).toBeUndefined();
  });
});

describe('routers of routers', () => {
  it('are one list, in order', () => {
    const others = [router('x', ['a', 'b']), router('y', ['d'])];
    expect(models(router('r', ['x', 'c', 'y']), { others })).toEqual(['a', 'b', 'c', 'd']);
  });

  it('multiply weights: a part shares what the whole gives it', () => {
    const others = [router('x', ['b*1', 'c*3'], weighted)];
    expect(weights(router('r', ['a*6', 'x*4'], weighted), { others })).toEqual({ a: 6, b: 1, c: 3 });
    expect(
      weights(router('r', ['a*6', 'via*4'], weighted), { others: [...others, alias('via', 'x')] }),
    ).toEqual({
      a: 6,
      b: 1,
      c: 3,
    });
  });

  it('give to those that are left what the broken ones had', () => {
    const others = [router('x', ['b*1', 'c*3'], weighted), router('y', ['d', 'e'])];
    const gone = { c: 'unavailable', d: 'unavailable' } as const;
    expect(weights(router('r', ['a*6', 'x*4', 'y*2'], weighted), { others, gone })).toEqual({
      a: 6,
      b: 4,
      e: 2,
    });
  });

  it('ask the first of an ordered part for all of its share', () => {
    const others = [router('x', ['b', 'c'])];
    expect(weights(router('r', ['a*1', 'x*3'], weighted), { others })).toEqual({ a: 1, b: 3, c: 0 });
  });
});
