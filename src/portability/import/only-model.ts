import type { ConversationModel, Said } from './conversation.js';

/** Of a conversation that one model has: that, unless nothing was said. */
export function onlyModel(messages: readonly Said[], leafId: string | undefined): ConversationModel[] {
  const last = messages.at(-1);
  if (last === undefined || leafId === undefined) return [];
  return [
    {
      modelId: last.modelId,
      leafId,
      lastMessageAt: last.createdAt,
      summary: null,
      summaryUpdatedAt: null,
      summaryThroughId: null,
    },
  ];
}
