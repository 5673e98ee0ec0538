/** The vendors that Parley speaks to. A new one is a folder in `adapters/`, a line here and a line in the module. */
export const providerKinds = [
  'openai',
  'openai-compatible',
  'azure-openai',
  'anthropic',
  'google',
  'ollama',
  'demo',
] as const;

export type ProviderKind = (typeof providerKinds)[number];
