import type { Message } from './message.entity.js';
import { textOf, type FinishedAnswer } from './message.js';

/** What of a message is null until somebody says otherwise. */
export const unsaid = {
  provider: null,
  providerModel: null,
  temperature: null,
  inputTokens: null,
  outputTokens: null,
  cachedTokens: null,
  costMicros: null,
  currency: null,
  finishReason: null,
  providerFinishReason: null,
  timeToFirstTokenMs: null,
  durationMs: null,
  errorCode: null,
} as const;

/** A message of which nothing is known but whose it is and where. */
export function blankMessage(row: {
  readonly id: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly threadId: string;
  readonly modelId: string;
  readonly parentId: string | null;
  readonly now: Date;
}): Omit<Message, 'role' | 'status'> {
  const { now, ...ids } = row;
  return {
    ...ids,
    ...unsaid,
    content: '',
    parts: [],
    replicaId: null,
    cancelRequested: false,
    onCurrentBranch: true,
    createdAt: now,
    updatedAt: now,
  };
}

/** What the end of an answer writes. */
export function finishedColumns(answer: FinishedAnswer, now: Date) {
  return {
    status: answer.status,
    content: textOf(answer.parts),
    parts: [...answer.parts],
    ...(answer.provider === undefined
      ? {}
      : { provider: answer.provider, temperature: answer.temperature ?? null }),
    providerModel: answer.providerModel ?? null,
    finishReason: answer.finishReason ?? null,
    providerFinishReason: answer.providerFinishReason ?? null,
    inputTokens: answer.inputTokens ?? null,
    outputTokens: answer.outputTokens ?? null,
    cachedTokens: answer.cachedTokens ?? null,
    costMicros: answer.cost === undefined ? null : String(answer.cost.micros),
    currency: answer.cost?.currency ?? null,
    timeToFirstTokenMs: answer.timeToFirstTokenMs ?? null,
    durationMs: answer.durationMs ?? null,
    errorCode: answer.errorCode ?? null,
    updatedAt: now,
  };
}
