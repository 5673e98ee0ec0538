import { Pool } from 'undici';
import type { Question } from './questions.js';

interface Answer {
  readonly data?: unknown;
  readonly pagination?: { readonly cursor: string | null; readonly totalCount?: number };
}

/** Asks one server, one request at a time, and looks whether it answers right. */
export class Asking {
  readonly failures = new Set<string>();
  private readonly pool: Pool;

  constructor(
    private readonly name: string,
    origin: string,
    /** What the upstream answers to whatever is posted. */
    private readonly answer: string,
  ) {
    this.pool = new Pool(origin, { connections: 1 });
  }

  /** @returns how long it took, from sending it to having read all of the answer, ms */
  async ask(question: Question): Promise<number> {
    const cursor = question.after === undefined ? undefined : await this.cursorOf(question, question.after);
    const path =
      cursor === undefined ? question.path : `${question.path}&cursor=${encodeURIComponent(cursor)}`;
    const sentAt = performance.now();
    const { status, answer } = await this.send(question, path);
    const tookMs = performance.now() - sentAt;
    const wrong = status === 200 ? this.wrongIn(question, answer) : `status ${status}`;
    if (wrong !== undefined) this.failures.add(`${this.name}: ${question.kind}, ${path}: ${wrong}`);
    return tookMs;
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async cursorOf(question: Question, path: string): Promise<string> {
    const { answer } = await this.send({ ...question, method: 'GET' }, path);
    return answer.pagination?.cursor ?? '';
  }

  private async send(
    { token, method, body }: Question,
    path: string,
  ): Promise<{ readonly status: number; readonly answer: Answer }> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await this.pool.request({
      method,
      path,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: response.statusCode, answer: (await response.body.json()) as Answer }; // http-api.md
  }

  private wrongIn({ method, items, total }: Question, { data, pagination }: Answer): string | undefined {
    if (method === 'POST') {
      const { assistantMessage } = data as { assistantMessage: { content: string; status: string } }; // conversations.md
      const isRight = assistantMessage.status === 'complete' && assistantMessage.content === this.answer;
      return isRight ? undefined : `${assistantMessage.status} ${assistantMessage.content}`;
    }
    const found = Array.isArray(data) ? data.length : NaN;
    if (found !== items) return `${found} items instead of ${items}`;
    const counted = pagination?.totalCount;
    return counted === total ? undefined : `${counted} in all instead of ${total}`;
  }
}
