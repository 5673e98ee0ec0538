import { firstCharacters } from '../../common/first-characters.js';
import { isModelId } from '../../infrastructure/http/model-id.pipe.js';
import { generatingStatuses, type MessagePart } from '../../messages/message.js';
import { parentsFirst } from './branches.js';
import { RefusedConversation, type Conversation, type ConversationModel, type Said } from './conversation.js';
import { idOf, listOf, objectOf, textOf, timeOf, type JsonObject } from './json-values.js';
import type { Reading } from './reading.js';

const roles = ['user', 'assistant', 'system', 'tool'] as const;
const statuses = ['pending', 'streaming', 'complete', 'interrupted', 'cancelled', 'error'] as const;
const largestInteger = 2 ** 31 - 1;
/** Beyond any that a model writes, and all those of a thread together, which are read whenever it is listed. */
const longestSummary = 50_000;
const mostOfSummaries = 500_000;

type ReadTime = (value: unknown) => Date;

/**
 * A thread of our own format (docs/export-format.md), with all of its models. Answers that were under way when it was exported are
 * interrupted: nobody goes on with them here.
 * @throws RefusedConversation for whatever is not as the format has it
 */
export function readParleyThread(value: JsonObject, { now }: Reading): Conversation {
  const sourceId = idOf(value['id']);
  if (sourceId === undefined) throw new RefusedConversation('no_id');
  if (value['incomplete'] === true) throw new RefusedConversation('incomplete');
  const time: ReadTime = (text) =>
    required(typeof text === 'string' ? timeOf(Date.parse(text), now) : undefined);
  const messages = listOf(value['messages']).map((item) => toSaid(objectOf(item), time));
  refuseBrokenTree(messages);
  return {
    sourceId,
    title: optional(required(value['title']), 200) ?? undefined,
    archived: value['archived'] === true,
    createdAt: time(value['createdAt']),
    updatedAt: time(value['updatedAt']),
    models: modelsOf(objectOf(value['models']), messages, time),
    messages,
    omitted: {},
  };
}

/** Each parent before its children, and of the same model. */
function refuseBrokenTree(messages: readonly Said[]): void {
  parentsFirst(messages);
  const modelById = new Map<string, string>();
  for (const { sourceId, parentId, modelId } of messages) {
    const above = parentId === null ? modelId : modelById.get(parentId);
    if (above === undefined) throw new RefusedConversation('malformed');
    if (above !== modelId) throw new RefusedConversation('mixed_models');
    modelById.set(sourceId, modelId);
  }
}

function modelsOf(models: JsonObject, messages: readonly Said[], time: ReadTime): ConversationModel[] {
  const byId = new Map(messages.map((message) => [message.sourceId, message]));
  let inSummaries = 0;
  return [...new Set(messages.map(({ modelId }) => modelId))].map((modelId) => {
    const model = objectOf(Object.hasOwn(models, modelId) ? models[modelId] : undefined);
    const leafId = required(idOf(model['currentLeafId']));
    if (byId.get(leafId)?.modelId !== modelId) throw new RefusedConversation('malformed');
    const throughId = idOf(model['summaryThroughId']);
    const summaryUpdatedAt = model['summaryUpdatedAt'] ?? null;
    const summary = textOf(model['summary']) ?? null;
    inSummaries += summary?.length ?? 0;
    if ((summary?.length ?? 0) > longestSummary || inSummaries > mostOfSummaries) {
      throw new RefusedConversation('malformed');
    }
    return {
      modelId,
      leafId,
      lastMessageAt: time(model['lastMessageAt']),
      summary,
      summaryUpdatedAt: summaryUpdatedAt === null ? null : time(summaryUpdatedAt),
      summaryThroughId:
        throughId !== undefined && byId.get(throughId)?.modelId === modelId ? throughId : null,
    };
  });
}

function toSaid(value: JsonObject, time: ReadTime): Said {
  const status = required(statuses.find((known) => known === value['status']));
  const { modelId, parentId } = value;
  if (!isModelId(modelId)) throw new RefusedConversation('malformed');
  const usage = objectOf(value['usage']);
  return {
    sourceId: required(idOf(value['id'])),
    parentId: parentId === null ? null : required(idOf(parentId)),
    modelId,
    role: required(roles.find((known) => known === value['role'])),
    status: generatingStatuses.some((generating) => generating === status) ? 'interrupted' : status,
    parts: listOf(value['parts']).map((part) => toPart(objectOf(part))),
    provider: optional(value['provider'], 60),
    providerModel: optional(value['providerModel'], 200),
    temperature: numberOf(value['temperature'], Number.isFinite),
    inputTokens: numberOf(usage['inputTokens'], isCount),
    outputTokens: numberOf(usage['outputTokens'], isCount),
    cachedTokens: numberOf(usage['cachedTokens'], isCount),
    ...costIn(objectOf(value['cost'] ?? {})),
    finishReason: optional(value['finishReason'], 40),
    providerFinishReason: optional(value['providerFinishReason'], 100),
    timeToFirstTokenMs: numberOf(value['timeToFirstTokenMs'], isCount),
    durationMs: numberOf(value['durationMs'], isCount),
    errorCode: optional(value['errorCode'], 60),
    createdAt: time(value['createdAt']),
    updatedAt: time(value['updatedAt']),
  };
}

function costIn({ micros, currency }: JsonObject): Pick<Said, 'costMicros' | 'currency'> {
  const isCost = Number.isSafeInteger(micros) && typeof currency === 'string' && /^[A-Z]{3}$/.test(currency);
  return isCost ? { costMicros: String(micros), currency } : { costMicros: null, currency: null };
}

function toPart({ type, text, signature, id, name, input }: JsonObject): MessagePart {
  switch (type) {
    case 'text':
      return { type, text: anyText(text) };
    case 'reasoning':
      return {
        type,
        text: anyText(text),
        ...(signature === undefined ? {} : { signature: anyText(signature) }),
      };
    case 'tool_call':
      return { type, id: anyText(id), name: anyText(name), input: anyText(input) };
    default:
      throw new RefusedConversation('malformed');
  }
}

/** As the database can keep it; may be empty. */
function anyText(value: unknown): string {
  if (typeof value !== 'string') throw new RefusedConversation('malformed');
  return textOf(value) ?? '';
}

/** Null for an empty one, too. */
function optional(value: unknown, maximum: number): string | null {
  if (value === null || value === undefined || value === '') return null;
  return firstCharacters(anyText(value), maximum);
}

function numberOf(value: unknown, isGood: (value: number) => boolean): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'number' || !isGood(value)) throw new RefusedConversation('malformed');
  return value;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= largestInteger;
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new RefusedConversation('malformed');
  return value;
}
