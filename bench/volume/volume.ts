// npm run bench -- --volume: whether it matters to one person how much all others have.
import pg from 'pg';
import type { Options } from '../options.js';
import { quantile } from '../report/statistics.js';
import { markdown } from '../report/tables.js';
import type { DatabaseServer } from '../servers/databases.js';
import type { Surroundings } from '../surroundings.js';
import { word } from '../upstream/paced-upstream.js';
import { Asking } from './asking.js';
import { expectIndexed, fill, messagesEach, threadsEach, type DatasetSize } from './dataset.js';
import { kinds, Questions, type Kind, type Question } from './questions.js';

const few: DatasetSize = { people: 5, threadsOfOneMore: 0 };
/** One person more has ten times as much as each of the others. */
const manyWith = (people: number): DatasetSize => ({ people, threadsOfOneMore: threadsEach * 10 });
/** Of the questions, those that warm up. */
const warmUpShare = 0.2;
/** Different questions of the person who has many, asked again and again: to make more would take long. */
const differentOfOneMore = 20;

/** Who is asked: people of the smaller database, of the larger one, and of that the one person who has ten times as much. */
const asked = ['few', 'many', 'oneMore'] as const;
type Asked = (typeof asked)[number];

/** By kind and whom is asked, how long each answer took, in ms. */
type Times = Readonly<Record<Kind, Readonly<Record<Asked, readonly number[]>>>>;

export interface Volume {
  /** Messages of the two databases. */
  readonly size: { readonly few: number; readonly many: number };
  readonly times: Times;
  readonly failures: readonly string[];
}

/** The kinds that are promised together. */
const groups: Readonly<Record<string, readonly Kind[]>> = {
  'thread list': kinds.filter((kind) => kind.startsWith('threads')),
  'message page': kinds.filter((kind) => kind.startsWith('messages')),
  search: kinds.filter((kind) => kind.startsWith('search')),
  post: ['post'],
};

export async function measureVolume(
  surroundings: Surroundings,
  options: Options,
  progress: (what: string) => void,
): Promise<Volume> {
  const many = manyWith(options.people);
  const upstream = await surroundings.upstream(options);
  const databases = await surroundings.databases();
  progress('starting two Parleys on two databases of one Postgres');
  const ofFew = await surroundings.parleyOn(databases, 'few', upstream);
  const ofMany = await surroundings.parleyOn(databases, 'many', upstream);
  progress(`filling one with ${messagesOf(few)} messages, one with ${messagesOf(many)}`);
  const questionsOfFew = await questions(ofFew, few, options);
  progress(`filled the one with ${messagesOf(few)}`);
  const questionsOfMany = await questions(ofMany, many, options);
  progress('asking by turns');
  const answer = word.repeat(options.chunks);
  const askFew = new Asking('few', ofFew.origin, answer);
  const askMany = new Asking('many', ofMany.origin, answer);
  const times = await byTurns(options.requests, {
    few: { asking: askFew, questions: questionsOfFew.ofAll },
    many: { asking: askMany, questions: questionsOfMany.ofAll },
    oneMore: { asking: askMany, questions: questionsOfMany.ofOneMore },
  });
  await Promise.all([askFew.close(), askMany.close()]);
  const size = { few: messagesOf(few), many: messagesOf(many) };
  return { size, times, failures: [...askFew.failures, ...askMany.failures] };
}

const messagesOf = ({ people, threadsOfOneMore }: DatasetSize): number =>
  (people * threadsEach + threadsOfOneMore) * messagesEach;

type QuestionsByKind = ReadonlyMap<Kind, readonly Question[]>;

async function questions(
  { url }: DatabaseServer,
  size: DatasetSize,
  { requests }: Options,
): Promise<{ readonly ofAll: QuestionsByKind; readonly ofOneMore: QuestionsByKind }> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  try {
    await fill(db, size);
    await expectIndexed(db);
    const made = await Questions.of(db, size);
    const ofAll = await made.make(requests);
    return { ofAll, ofOneMore: await made.make(size.threadsOfOneMore > 0 ? differentOfOneMore : 0, true) };
  } finally {
    await db.end();
  }
}

/**
 * One question at a time, to each in turn, and who is first changes each time: what disturbs one disturbs the others. Kinds take
 * turns as well, but for posts, after which there is work that nobody waits for.
 */
async function byTurns(
  count: number,
  whom: Readonly<Record<Asked, { readonly asking: Asking; readonly questions: QuestionsByKind }>>,
): Promise<Times> {
  const times = Object.fromEntries(
    kinds.map((kind) => [kind, { few: [], many: [], oneMore: [] }]),
  ) as unknown as Record<Kind, Record<Asked, number[]>>; // By kind.
  for (const some of [kinds.filter((kind) => kind !== 'post'), ['post'] as const]) {
    for (let index = 0; index < count; index++) {
      for (const kind of some) {
        for (const turn of asked.keys()) {
          const name = asked[(index + turn) % asked.length] ?? 'few';
          const { asking, questions } = whom[name];
          const ofKind = questions.get(kind) ?? [];
          const question = ofKind[index % ofKind.length];
          if (question === undefined) throw new Error(`nothing to ask of ${name}: ${kind}`);
          const took = await asking.ask(question);
          if (index >= count * warmUpShare) times[kind][name].push(took);
        }
      }
    }
  }
  return times;
}

/** Markdown: by what was promised, and by kind of request. */
export function volumeReport({ size, times }: Volume): string {
  const rowOf = (name: string, of: readonly Kind[]): string[] => {
    const [few = [], many = [], oneMore = []] = asked.map((whom) => of.flatMap((kind) => times[kind][whom]));
    const shown = (values: readonly number[]): string => `${at(values, 0.5)} / ${at(values, 0.95)}`;
    const ratio = (share: number): string => `×${(quantile(many, share) / quantile(few, share)).toFixed(2)}`;
    return [name, shown(few), shown(many), ratio(0.5), ratio(0.95), shown(oneMore)];
  };
  const head = [
    ...['', `${size.few} messages`, `${size.many} messages`, 'ratio of p50', 'ratio of p95'],
    'a person with ten times as much',
  ];
  return [
    'Latency in ms, median / p95, of one request at a time (target: the ratio of p95 is at most 1.5)',
    markdown(
      head,
      Object.entries(groups).map(([name, of]) => rowOf(name, of)),
    ),
    'By kind of request',
    markdown(
      head,
      kinds.map((kind) => rowOf(kind, [kind])),
    ),
  ].join('\n\n');
}

function at(values: readonly number[], share: number): string {
  return quantile(values, share).toFixed(1);
}
