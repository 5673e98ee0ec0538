import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DataSource } from 'typeorm';
import type { MessagePart } from '../messages/message.js';
import { outsideRequests } from '../infrastructure/http/request-context.js';
import { Log } from '../infrastructure/logging/log.js';
import { AnswerParts } from './answer-parts.js';
import type { JournalEvent } from './generation-event.js';
import { JournalEntry } from './journal-entry.entity.js';

/** The journal is at most this far behind the stream (conversations.md, promise 2), less the time of one write. */
const maxDelayMs = 150;
const maxPendingBytes = 4096;

interface Batch {
  readonly messageId: string;
  readonly firstEvent: number;
  readonly events: JournalEvent[];
}

/** How far somebody has read the journal of a message: the first event of the last row, which may still grow, and how many it had. */
interface JournalPlace {
  readonly messageId: string;
  readonly row: number;
  readonly events: number;
}

/** What has happened since. */
export interface JournalLook {
  readonly messageId: string;
  readonly isGenerating: boolean;
  /** New rows, and the last one again if it has grown; in order. */
  readonly rows: readonly { readonly firstEvent: number; readonly events: readonly JournalEvent[] }[];
}

/**
 * Keeps what has been generated in Postgres while it is being generated, so that a killed replica loses next to nothing.
 * One write carries what all generations of the process have to say; a failed one is tried again with the next.
 */
@Injectable()
export class Journal implements OnApplicationShutdown {
  private readonly pending = new Map<string, Batch & { bytes: number }>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private isQueued = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: Log,
  ) {}

  /** Notes an event; returns at once. `number` is its place in the stream of the message. */
  append(messageId: string, number: number, event: JournalEvent): void {
    let batch = this.pending.get(messageId);
    if (batch === undefined) {
      batch = { messageId, firstEvent: number, events: [], bytes: 0 };
      this.pending.set(messageId, batch);
    }
    batch.events.push(event);
    batch.bytes += sizeOf(event);
    if (batch.bytes >= maxPendingBytes) void outsideRequests(() => this.flush());
    else this.schedule();
  }

  /** Forgets what is not yet written of a message, and waits until nothing more of it can be. */
  async close(messageId: string): Promise<void> {
    this.pending.delete(messageId);
    await this.writing;
    this.pending.delete(messageId);
  }

  /** Removes the rows of a message, in the transaction that writes its end. */
  async clear(messageId: string, db: EntityManager): Promise<void> {
    await db.delete(JournalEntry, { messageId });
  }

  /** What the journal knows of a message. */
  async recover(messageId: string): Promise<MessagePart[]> {
    const entries = await this.dataSource.manager.find(JournalEntry, {
      where: { messageId },
      order: { firstEvent: 'ASC' },
    });
    const answer = new AnswerParts();
    for (const event of entries.flatMap(({ events }) => events)) answer.add(event);
    return [...answer.parts];
  }

  /** What other replicas have written; of each message and its journal in one moment: rows that are gone are in the message. */
  look(places: readonly JournalPlace[]): Promise<JournalLook[]> {
    return this.dataSource.query(
      `SELECT place.id AS "messageId", message.replica_id IS NOT NULL AS "isGenerating", coalesce(journal.rows, '[]') AS rows
         FROM unnest($1::uuid[], $2::integer[], $3::integer[]) AS place (id, row, events)
         LEFT JOIN messages message ON message.id = place.id
         LEFT JOIN LATERAL (
           SELECT jsonb_agg(jsonb_build_object('firstEvent', first_event, 'events', entry.events) ORDER BY first_event) AS rows
             FROM generation_journal entry
            WHERE message_id = place.id AND first_event >= place.row
              AND (first_event > place.row OR jsonb_array_length(entry.events) > place.events)
         ) journal ON true`,
      [
        places.map(({ messageId }) => messageId),
        places.map(({ row }) => row),
        places.map(({ events }) => events),
      ],
    );
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.writing;
  }

  /** One write at a time: what arrives meanwhile waits for the next. */
  private flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.isQueued) {
      this.isQueued = true;
      this.writing = this.writing.then(() => this.write());
    }
    return this.writing;
  }

  private schedule(): void {
    this.timer ??= outsideRequests(() => setTimeout(() => void this.flush(), maxDelayMs));
  }

  private async write(): Promise<void> {
    this.isQueued = false;
    const batches = [...this.pending.values()];
    this.pending.clear();
    if (batches.length === 0) return;
    try {
      await this.insert(batches);
    } catch (error) {
      this.log.warn({ err: error, generations: batches.length }, 'journal write failed; trying again');
      this.restore(batches);
    }
  }

  /**
   * A message that was deleted meanwhile must not fail the batch of the others. A batch that was written although the answer
   * of the database was lost comes again, longer: it replaces itself.
   */
  private async insert(batches: readonly Batch[]): Promise<void> {
    await this.dataSource.query(
      `WITH batch AS (
         SELECT tenant_id, user_id, thread_id, batch.*
         FROM unnest($1::uuid[], $2::integer[], $3::jsonb[]) AS batch (message_id, first_event, events)
         JOIN messages ON messages.id = batch.message_id AND messages.replica_id IS NOT NULL
       ), begun AS (
         UPDATE messages SET status = 'streaming' FROM batch
         WHERE messages.id = batch.message_id AND messages.status = 'pending'
       )
       INSERT INTO generation_journal (tenant_id, user_id, thread_id, message_id, first_event, events)
       SELECT * FROM batch
       ON CONFLICT (message_id, first_event) DO UPDATE SET events = excluded.events`,
      [
        batches.map(({ messageId }) => messageId),
        batches.map(({ firstEvent }) => firstEvent),
        batches.map(({ events }) => JSON.stringify(events)),
      ],
    );
  }

  private restore(batches: readonly (Batch & { bytes: number })[]): void {
    for (const batch of batches) {
      const later = this.pending.get(batch.messageId);
      this.pending.set(batch.messageId, {
        ...batch,
        events: [...batch.events, ...(later?.events ?? [])],
        // Not counted as overdue: the timer decides when a database that failed is asked again.
        bytes: 0,
      });
    }
    this.schedule();
  }
}

function sizeOf(event: JournalEvent): number {
  if (event.type === 'tool_call') return event.input.length;
  return event.type === 'status' ? 0 : event.token.length;
}
