/** What a tenant gives everybody in it, and what is decided for one user. */
export interface ToolPolicy {
  readonly defaults: readonly string[];
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Which tools a user may use: (defaults + allow) − deny, in order, each once. Deny wins (identity.md, Tool policy). */
export function effectiveTools({ defaults, allow, deny }: ToolPolicy): readonly string[] {
  const denied = new Set(deny);
  return [...new Set([...defaults, ...allow])].filter((tool) => !denied.has(tool)).sort();
}
