import type { PresetParameters } from '../model-route.js';
import type { AliasNames } from './alias-names.js';
import type { ModelAlias } from './model-alias.entity.js';
import type { TargetReference } from './target-reference.js';

/** Aliases and routers one within the other, the outermost included. */
const maxDepth = 5;
/** Models that one name leads to, with those that cannot be used. */
export const maxLeaves = 100;

/**
 * Why a target cannot be used. `unavailable`: there is no such model, or not for this person. `unreachable`: nobody could say
 * whether there is. `not_granted`: the API token does not include it. `cycle`: it leads back to where it came from. `too_large`: it
 * is nested too deep, or leads to too many models.
 */
export const targetProblems = ['unavailable', 'unreachable', 'not_granted', 'cycle', 'too_large'] as const;
export type TargetProblem = (typeof targetProblems)[number];

/** What flattening reads of an alias. */
export type FlattenedAlias = Pick<
  ModelAlias,
  | 'id'
  | 'name'
  | 'kind'
  | 'ownerId'
  | 'targets'
  | 'parameters'
  | 'systemPrompt'
  | 'contextTokens'
  | 'strategy'
  | 'maxAttempts'
  | 'cooldownMs'
>;

/** A model at the end of a way through aliases, with what these say together. */
export interface Leaf<Found> {
  readonly found: Found;
  /** Those of the outermost alias first, completed by the inner ones. */
  readonly parameters: PresetParameters;
  /** Of the outermost alias that has one. */
  readonly systemPrompt?: string | undefined;
  /** The smallest on the way. */
  readonly contextTokens?: number | undefined;
  readonly weight: number;
}

interface Problem {
  readonly reference: TargetReference;
  readonly reason: TargetProblem;
}

/** What one target of an alias or a router leads to. */
export interface Branch<Found> {
  readonly reference: TargetReference;
  /** Empty when it is broken. */
  readonly leaves: readonly Leaf<Found>[];
  readonly problems: readonly Problem[];
}

export interface Flattened<Found> {
  /** One for each target. */
  readonly branches: readonly Branch<Found>[];
  readonly leaves: readonly Leaf<Found>[];
  readonly problems: readonly Problem[];
  /** Whose policy counts: of routers in routers that of the outermost. Undefined when there is none on the way. */
  readonly router: FlattenedAlias | undefined;
}

/** What flattening asks of the world beside the names. */
export interface Surroundings<Found> {
  readonly names: AliasNames<FlattenedAlias>;
  /** @returns the model, or why it cannot be used */
  readonly find: (reference: TargetReference) => Found | TargetProblem;
  /** Whether the credential includes the name. The tenant's aliases grant what they lead to, personal ones grant nothing. */
  readonly isGranted: (name: string) => boolean;
}

interface Walk<Found> extends Surroundings<Found> {
  /** How many more ends there may be. */
  remaining: number;
}

/** From a name to the models that it leads to, in order, and what stands in the way of those that it should lead to. */
export function flatten<Found extends object>(
  alias: FlattenedAlias,
  surroundings: Surroundings<Found>,
): Flattened<Found> {
  return flattenWithin({ ...surroundings, remaining: maxLeaves }, alias, []);
}

function flattenWithin<Found extends object>(
  walk: Walk<Found>,
  alias: FlattenedAlias,
  path: readonly string[],
): Flattened<Found> {
  const here = [...path, alias.id];
  let router = alias.kind === 'router' ? alias : undefined;
  const branches = alias.targets.map((reference): Branch<Found> => {
    const target = walk.names.targetOf(alias, reference);
    const reason = problemOf(walk, { alias, reference, target, path: here });
    if (reason !== undefined) return broken(walk, reference, reason);
    if (target === undefined) return end(walk, alias, reference);
    const inner = flattenWithin(walk, target, here);
    router ??= inner.router;
    const shares = sharesOf(target, inner.leaves);
    return {
      reference,
      leaves: shares.map((leaf) => covered(leaf, alias, reference)),
      problems: inner.problems,
    };
  });
  return {
    branches,
    leaves: branches.flatMap(({ leaves }) => leaves),
    problems: branches.flatMap(({ problems }) => problems),
    router,
  };
}

/** What can be said of a target before the catalogue is asked. */
function problemOf<Found>(
  { remaining, isGranted }: Walk<Found>,
  step: {
    readonly alias: FlattenedAlias;
    readonly reference: TargetReference;
    readonly target: FlattenedAlias | undefined;
    readonly path: readonly string[];
  },
): TargetProblem | undefined {
  const { alias, reference, target, path } = step;
  if (remaining <= 0) return 'too_large';
  if (alias.ownerId !== null && !isGranted(reference.model)) return 'not_granted';
  if (target === undefined) return undefined;
  if (path.includes(target.id)) return 'cycle';
  return path.length >= maxDepth ? 'too_large' : undefined;
}

function broken<Found>(walk: Walk<Found>, reference: TargetReference, reason: TargetProblem): Branch<Found> {
  walk.remaining--;
  return { reference, leaves: [], problems: [{ reference, reason }] };
}

function end<Found extends object>(
  walk: Walk<Found>,
  alias: FlattenedAlias,
  reference: TargetReference,
): Branch<Found> {
  const found = walk.find(reference);
  if (typeof found === 'string') return broken(walk, reference, found);
  walk.remaining--;
  return {
    reference,
    leaves: [covered({ found, parameters: {}, weight: 1 }, alias, reference)],
    problems: [],
  };
}

/** What a leaf is when it is reached through one more alias. */
function covered<Found>(
  leaf: Leaf<Found>,
  { parameters, systemPrompt, contextTokens }: FlattenedAlias,
  { weight = 1 }: TargetReference,
): Leaf<Found> {
  const limits = [leaf.contextTokens, contextTokens].filter((tokens) => typeof tokens === 'number');
  return {
    found: leaf.found,
    parameters: { ...leaf.parameters, ...parameters },
    systemPrompt: systemPrompt ?? leaf.systemPrompt,
    contextTokens: limits.length === 0 ? undefined : Math.min(...limits),
    weight: leaf.weight * weight,
  };
}

/** The leaves of a part with weights that make 1 together: how it shares what the whole gives it. An ordered one asks its first. */
function sharesOf<Found>(part: FlattenedAlias, leaves: readonly Leaf<Found>[]): readonly Leaf<Found>[] {
  if (part.kind === 'router' && part.strategy === 'ordered') {
    return leaves.map((leaf, index) => ({ ...leaf, weight: index === 0 ? 1 : 0 }));
  }
  const total = leaves.reduce((sum, { weight }) => sum + weight, 0);
  return leaves.map((leaf) => ({ ...leaf, weight: leaf.weight / total }));
}
