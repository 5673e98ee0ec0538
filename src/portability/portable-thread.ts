import type { MessagePart, MessageRole, MessageStatus } from '../messages/message.js';

/** Our own format of exported threads: docs/export-format.md. */
export const portableFormat = 'parley.threads';
export const portableVersion = 1;

/** Ids are as on the wire, times in ISO 8601. */
export interface PortableThread {
  readonly id: string;
  readonly title: string;
  readonly archived: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly models: Readonly<Record<string, PortableThreadModel>>;
  /** On every branch, parents before their children. */
  readonly messages: readonly PortableMessage[];
}

/** What one model has of a thread. */
export interface PortableThreadModel {
  readonly currentLeafId: string;
  readonly lastMessageAt: string;
  readonly summary: string | null;
  readonly summaryUpdatedAt: string | null;
  readonly summaryThroughId: string | null;
}

export interface PortableMessage {
  readonly id: string;
  readonly parentId: string | null;
  readonly modelId: string;
  readonly role: MessageRole;
  readonly status: MessageStatus;
  readonly content: string;
  readonly parts: readonly MessagePart[];
  readonly provider: string | null;
  readonly providerModel: string | null;
  readonly temperature: number | null;
  readonly usage: {
    readonly inputTokens: number | null;
    readonly outputTokens: number | null;
    readonly cachedTokens: number | null;
  };
  /** In millionths of the currency. */
  readonly cost: { readonly micros: number; readonly currency: string } | null;
  readonly finishReason: string | null;
  readonly providerFinishReason: string | null;
  readonly timeToFirstTokenMs: number | null;
  readonly durationMs: number | null;
  readonly errorCode: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}
