// What is asked of a database of dataset.ts, and what the right answer is: counted by Postgres in the texts themselves.
import type { Client } from 'pg';
import { toWireId } from '../../src/common/ids.js';
import {
  holderOf,
  messagesEach,
  model,
  threadsEach,
  tokenNumber,
  tokens,
  vocabulary,
  type DatasetSize,
} from './dataset.js';

export const kinds = [
  'threads, first page',
  'threads, second page',
  'messages, first page',
  'messages, a page further on',
  'search, rare word',
  'search, medium word',
  'search, common word',
  'search, two words',
  'search, phrase',
  'post',
] as const;
export type Kind = (typeof kinds)[number];

/** One request, with what is asked before it to get its cursor. */
export interface Question {
  readonly kind: Kind;
  readonly token: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  /** A list whose cursor goes on this one. */
  readonly after?: string;
  /** How many items the page has, and how many there are in all where the answer says. */
  readonly items: number;
  readonly total?: number;
}

/** Ranks of words, the most frequent first: half of what somebody has said has a common one, one text in ten a medium one. */
const ranks = { rare: [2000, 6000], medium: [80, 200], common: [4, 16] } as const;

interface Person {
  readonly token: string;
  readonly userId: string;
  /** With their titles. */
  readonly threads: readonly string[];
  readonly ownThreads: number;
}

const pageSize = 20;
/** Of so many threads of a person somebody reads messages or posts. */
const threadsLooked = 8;

/** Makes questions of people of the database, spread over them, and of the person who has many if `ofOneMore`. */
export class Questions {
  private constructor(
    private readonly db: Client,
    private readonly size: DatasetSize,
    private readonly words: readonly string[],
  ) {}

  static async of(db: Client, size: DatasetSize): Promise<Questions> {
    const { rows } = await db.query<{ word: string }>('SELECT word FROM words ORDER BY rank');
    if (rows.length !== vocabulary) throw new Error('the words of the texts are not there any more');
    return new Questions(
      db,
      size,
      rows.map(({ word }) => word),
    );
  }

  /** `count` of each kind. */
  async make(count: number, ofOneMore = false): Promise<ReadonlyMap<Kind, readonly Question[]>> {
    const made = new Map(kinds.map((kind): [Kind, Question[]] => [kind, []]));
    for (let index = 0; index < count; index++) {
      const person = await this.person(ofOneMore ? tokens : Math.floor((index * tokens) / count));
      for (const question of [
        ...listsOf(person, index),
        ...(await this.searchesOf(person, index)),
        postOf(person, index),
      ])
        made.get(question.kind)?.push(question);
    }
    return made;
  }

  private async person(tokenIndex: number): Promise<Person> {
    const holder = holderOf(tokenIndex, this.size);
    const { rows } = await this.db.query<{ id: string; thread: string }>(
      `SELECT users.id, threads.id AS thread FROM users JOIN threads ON threads.tenant_id = users.tenant_id AND user_id = users.id
        WHERE users.subject = $1 ORDER BY threads.id LIMIT ${threadsLooked}`,
      [String(holder)],
    );
    const ownThreads = holder === this.size.people ? this.size.threadsOfOneMore : threadsEach;
    return {
      token: tokenNumber(tokenIndex),
      userId: rows[0]?.id ?? '',
      threads: rows.map(({ thread }) => thread),
      ownThreads,
    };
  }

  private async searchesOf(person: Person, index: number): Promise<Question[]> {
    const word = ([from, to]: readonly [number, number]): string =>
      this.words[from + ((index * 37) % (to - from))] ?? '';
    const said = await this.somethingSaid(person, index);
    const middle = Math.floor(said.length / 2);
    const asked: readonly (readonly [Kind, string, readonly string[]])[] = [
      ['search, rare word', word(ranks.rare), [word(ranks.rare)]],
      ['search, medium word', word(ranks.medium), [word(ranks.medium)]],
      ['search, common word', word(ranks.common), [word(ranks.common)]],
      ['search, two words', `${said[0] ?? ''} ${said[middle] ?? ''}`, [said[0] ?? '', said[middle] ?? '']],
      [
        'search, phrase',
        `"${said[middle - 1] ?? ''} ${said[middle] ?? ''}"`,
        [`${said[middle - 1] ?? ''} ${said[middle] ?? ''}`],
      ],
    ];
    const searches: Question[] = [];
    for (const [kind, q, parts] of asked) {
      const total = await this.threadsThatSay(person, parts);
      const path = `/api/threads?limit=${pageSize}&q=${encodeURIComponent(q)}`;
      const items = Math.min(total, pageSize);
      searches.push({ kind, token: person.token, method: 'GET', path, items, total });
    }
    return searches;
  }

  /** The words of an answer of the person. */
  private async somethingSaid({ userId, threads }: Person, index: number): Promise<string[]> {
    const { rows } = await this.db.query<{ content: string }>(
      `SELECT content FROM messages WHERE user_id = $1 AND thread_id = $2 AND role = 'assistant' ORDER BY id OFFSET $3 LIMIT 1`,
      [userId, threads[index % threads.length], index % (messagesEach / 2)],
    );
    return rows[0]?.content.split(' ') ?? [];
  }

  /** Without the index: how many threads of a person have a text with all of these, each a word or words in a row. */
  private async threadsThatSay({ userId }: Person, parts: readonly string[]): Promise<number> {
    const saysAll = (text: string): string =>
      parts.map((_, place) => `' ' || ${text} || ' ' LIKE $${place + 2}`).join(' AND ');
    const { rows } = await this.db.query<{ count: string }>(
      `SELECT count(*) FROM threads WHERE user_id = $1 AND (${saysAll('title')} OR EXISTS (
         SELECT FROM messages WHERE messages.tenant_id = threads.tenant_id AND messages.user_id = threads.user_id
            AND thread_id = threads.id AND ${saysAll('content')}))`,
      [userId, ...parts.map((part) => `% ${part} %`)],
    );
    return Number(rows[0]?.count);
  }
}

function listsOf({ token, threads, ownThreads }: Person, index: number): Question[] {
  const thread = toWireId('thread', threads[index % threads.length] ?? '');
  const orderBy = index % 2 === 0 ? 'updated_at' : 'created_at';
  const order = index % 3 === 0 ? 'asc' : 'desc';
  const ofThreads = `/api/threads?limit=${pageSize}&orderBy=${orderBy}&order=${order}`;
  const ofMessages = `/api/threads/${thread}/messages?limit=${pageSize}&order=${order}`;
  const page = { token, method: 'GET', items: pageSize } as const;
  return [
    { ...page, kind: 'threads, first page', path: ofThreads, total: ownThreads },
    { ...page, kind: 'threads, second page', path: ofThreads, after: ofThreads, total: ownThreads },
    { ...page, kind: 'messages, first page', path: ofMessages },
    { ...page, kind: 'messages, a page further on', path: ofMessages, after: ofMessages },
  ];
}

function postOf({ token, threads }: Person, index: number): Question {
  const thread = toWireId('thread', threads[index % threads.length] ?? '');
  return {
    kind: 'post',
    token,
    method: 'POST',
    path: `/api/threads/${thread}/models/${model}/messages`,
    body: { content: 'Please tell me, in a few sentences, what became of all that we have said so far.' },
    items: 2,
  };
}
