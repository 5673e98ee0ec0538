import type { ModelAlias } from './model-alias.entity.js';
import type { TargetReference } from './target-reference.js';

type Listed = Pick<ModelAlias, 'name' | 'ownerId'>;

function byName<Alias extends Listed>(aliases: readonly Alias[]): ReadonlyMap<string, Alias> {
  return new Map(aliases.map((alias) => [alias.name, alias]));
}

/** What somebody's names mean, before the catalogue is asked: their own first, then those of their tenant. */
export class AliasNames<Alias extends Listed = ModelAlias> {
  private readonly own: ReadonlyMap<string, Alias>;
  private readonly shared: ReadonlyMap<string, Alias>;

  constructor(own: readonly Alias[], shared: readonly Alias[]) {
    this.own = byName(own);
    this.shared = byName(shared);
  }

  /** Every name once, the own ones first. */
  all(): Alias[] {
    return [...this.own.values(), ...[...this.shared.values()].filter(({ name }) => !this.own.has(name))];
  }

  find(name: string): Alias | undefined {
    return this.own.get(name) ?? this.shared.get(name);
  }

  /**
   * What a target is the name of; undefined for a model. What belongs to the tenant means the same for everybody: nobody's own
   * names change it.
   */
  targetOf({ ownerId }: Listed, { model, connection }: TargetReference): Alias | undefined {
    if (connection !== undefined) return undefined;
    return ownerId === null ? this.shared.get(model) : this.find(model);
  }

  /** The same with one more, or with one as it is to be. */
  with(alias: Alias): AliasNames<Alias> {
    const others = (names: ReadonlyMap<string, Alias>): Alias[] =>
      [...names.values()].filter(({ name }) => name !== alias.name);
    return alias.ownerId === null
      ? new AliasNames([...this.own.values()], [...others(this.shared), alias])
      : new AliasNames([...others(this.own), alias], [...this.shared.values()]);
  }
}
