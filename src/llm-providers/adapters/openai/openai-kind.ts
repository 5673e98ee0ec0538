import type { ProviderKind } from '../../contract/provider-kind.js';

/** The kinds that speak OpenAI's words: OpenAI itself, Azure's copy of it, and the many servers that imitate it. */
export type OpenAiKind = Extract<ProviderKind, 'openai' | 'openai-compatible' | 'azure-openai'>;
