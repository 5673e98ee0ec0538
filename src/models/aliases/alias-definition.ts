import { ModelAlias } from './model-alias.entity.js';

/** What people decide of an alias or a router, once it has a name. */
export type AliasDefinition = Pick<
  ModelAlias,
  | 'title'
  | 'targets'
  | 'parameters'
  | 'systemPrompt'
  | 'contextTokens'
  | 'strategy'
  | 'maxAttempts'
  | 'cooldownMs'
>;

/** What to change of it; what is undefined stays. */
export type AliasChange = { readonly [Field in keyof AliasDefinition]?: AliasDefinition[Field] | undefined };

export interface NewAlias extends Pick<ModelAlias, 'name' | 'kind'>, AliasChange {
  readonly scope: AliasScope;
}

/** Whose it is: of whoever made it, or of their tenant. */
export const aliasScopes = ['personal', 'tenant'] as const;
export type AliasScope = (typeof aliasScopes)[number];

export const defaultCooldownMs = 30_000;

const blank: AliasDefinition = {
  title: null,
  targets: [],
  parameters: {},
  systemPrompt: null,
  contextTokens: null,
  strategy: 'ordered',
  maxAttempts: null,
  cooldownMs: defaultCooldownMs,
};

/** The definition as it is to be. */
export function changed(change: AliasChange, before: AliasDefinition = blank): AliasDefinition {
  return {
    title: change.title === undefined ? before.title : change.title,
    targets: change.targets ?? before.targets,
    parameters: change.parameters ?? before.parameters,
    systemPrompt: change.systemPrompt === undefined ? before.systemPrompt : change.systemPrompt,
    contextTokens: change.contextTokens === undefined ? before.contextTokens : change.contextTokens,
    strategy: change.strategy ?? before.strategy,
    maxAttempts: change.maxAttempts === undefined ? before.maxAttempts : change.maxAttempts,
    cooldownMs: change.cooldownMs ?? before.cooldownMs,
  };
}

/** The alias as it is to be. */
export function withChange(alias: ModelAlias, change: AliasChange): ModelAlias {
  return Object.assign(new ModelAlias(), alias, changed(change, alias));
}

export function definitionOf(alias: ModelAlias): AliasDefinition {
  return changed({}, alias);
}

/** As the audit log tells it: of somebody's own system prompt, only that there is one, and how long. */
export function recorded(alias: ModelAlias): Readonly<Record<string, unknown>> {
  const { kind, ownerId, title, targets, parameters, systemPrompt, contextTokens } = alias;
  const prompt = ownerId === null ? systemPrompt : systemPrompt && `${systemPrompt.length} characters`;
  const { strategy, maxAttempts, cooldownMs } = alias;
  const own =
    kind === 'alias'
      ? { parameters, systemPrompt: prompt, contextTokens }
      : { strategy, maxAttempts, cooldownMs };
  return { name: title, targets, ...own };
}
