import { toWireId } from '../../common/ids.js';
import type { Message } from '../../messages/message.entity.js';
import type { ThreadWithModels } from '../../threads/threads.service.js';
import {
  portableFormat,
  portableVersion,
  type PortableMessage,
  type PortableThread,
  type PortableThreadModel,
} from '../portable-thread.js';
import type { ExportCounts, ExportWriter } from './export-writer.js';

/** Our own format (docs/export-format.md). The counts come last: a file without them is not whole. */
export const jsonExport: ExportWriter = {
  contentType: 'application/json; charset=utf-8',
  extension: 'json',
  branch: 'all',
  begin(now) {
    const head = { format: portableFormat, version: portableVersion, exportedAt: now.toISOString() };
    return `${JSON.stringify(head).slice(0, -1)},"threads":[`;
  },
  beginThread(view, { threads }) {
    return `${threads === 0 ? '' : ','}\n${JSON.stringify(portableThread(view)).slice(0, -1)},"messages":[`;
  },
  message(message, _view, { isFirst }) {
    return `${isFirst ? '' : ','}\n${JSON.stringify(portableMessage(message))}`;
  },
  endThread: (isWhole) => (isWhole ? ']}' : '],"incomplete":true}'),
  end: ({ threads, messages }: ExportCounts) => `\n],"counts":${JSON.stringify({ threads, messages })}}\n`,
};

function portableThread({ thread, models }: ThreadWithModels): Omit<PortableThread, 'messages'> {
  return {
    id: toWireId('thread', thread.id),
    title: thread.title,
    archived: thread.archived,
    createdAt: thread.createdAt.toISOString(),
    updatedAt: thread.updatedAt.toISOString(),
    models: Object.fromEntries(
      models.map((model): [string, PortableThreadModel] => [
        model.modelId,
        {
          currentLeafId: toWireId('message', model.currentLeafId),
          lastMessageAt: model.lastMessageAt.toISOString(),
          summary: model.summary,
          summaryUpdatedAt: model.summaryUpdatedAt?.toISOString() ?? null,
          summaryThroughId:
            model.summaryThroughId === null ? null : toWireId('message', model.summaryThroughId),
        },
      ]),
    ),
  };
}

function portableMessage(message: Message): PortableMessage {
  return {
    id: toWireId('message', message.id),
    parentId: message.parentId === null ? null : toWireId('message', message.parentId),
    modelId: message.modelId,
    role: message.role,
    status: message.status,
    content: message.content,
    parts: message.parts,
    provider: message.provider,
    providerModel: message.providerModel,
    temperature: message.temperature,
    usage: {
      inputTokens: message.inputTokens,
      outputTokens: message.outputTokens,
      cachedTokens: message.cachedTokens,
    },
    cost: costOf(message),
    finishReason: message.finishReason,
    providerFinishReason: message.providerFinishReason,
    timeToFirstTokenMs: message.timeToFirstTokenMs,
    durationMs: message.durationMs,
    errorCode: message.errorCode,
    createdAt: message.createdAt.toISOString(),
    updatedAt: message.updatedAt.toISOString(),
  };
}

function costOf({ costMicros, currency }: Message): PortableMessage['cost'] {
  return costMicros === null || currency === null ? null : { micros: Number(costMicros), currency };
}
