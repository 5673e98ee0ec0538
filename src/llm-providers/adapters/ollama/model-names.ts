/**
 * Whether two names mean the same model: without a tag it is `latest`, and case does not matter.
 * https://github.com/ollama/ollama/blob/main/docs/api.md#model-names
 */
export function isSameModel(one: string, other: string): boolean {
  return withTag(one) === withTag(other);
}

/** What comes before the last slash is a host, which may have a port, and a namespace. */
function withTag(name: string): string {
  const hasTag = name.slice(name.lastIndexOf('/') + 1).includes(':');
  return (hasTag ? name : `${name}:latest`).toLowerCase();
}
