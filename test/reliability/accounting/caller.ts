import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../../support/parley.js';
import type { CallPlan } from './call-plan.js';
import { questionOf } from './call-script.js';
import type { CountingUpstream } from './counting-upstream.js';
import { doorWords } from './doors.js';

/** What whoever asked was told. */
export interface Told {
  /** Undefined when they left before there was one. */
  status: number | undefined;
  text: string;
  /** They have read the end of a whole answer. */
  isWhole: boolean;
  hasLeft: boolean;
  /** Somebody has asked to stop the answer. */
  hasCancelled: boolean;
  /** Of an answer in a thread, as far as they were told. */
  messageId: string | undefined;
}

const patienceMs = 30_000;

/** Makes calls with a token, and does to them what is planned. */
export class Caller {
  constructor(
    private readonly url: string,
    private readonly upstream: CountingUpstream,
  ) {}

  async carryOut(plan: CallPlan, token: string): Promise<Told> {
    const told: Told = {
      status: undefined,
      text: '',
      isWhole: false,
      hasLeft: false,
      hasCancelled: false,
      messageId: undefined,
    };
    const abort = new AbortController();
    let isOver = false;
    const leave = (): void => {
      if (isOver) return;
      told.hasLeft = true;
      abort.abort();
    };
    try {
      const response = await this.begin(plan, token, abort.signal, leave);
      told.status = response.status;
      await this.read(response, plan, { told, token, leave });
      told.isWhole = plan.isBackground
        ? response.ok && (await this.follow(plan, told, token))
        : response.ok && told.text.includes(plan.streams ? doorWords[plan.door].wholeMark : '');
    } catch (error) {
      // Nobody reads on who has left.
      if (!told.hasLeft) throw error;
    }
    isOver = true;
    return told;
  }

  private async begin(
    plan: CallPlan,
    token: string,
    signal: AbortSignal,
    leave: () => void,
  ): Promise<Response> {
    const { door, behaviour, number, moment, refusal } = plan;
    const { path, body } = doorWords[door];
    const threadId = door === 'native' ? await this.beginThread(token) : '';
    if (behaviour === 'leaves at some time') void wait(moment).then(leave);
    if (behaviour === 'leaves once asked') void this.upstream.asked(number).then(leave);
    const asked = body({ ...plan, question: questionOf(plan) });
    return this.post(path(plan.model, threadId), refusal === 'token' ? 'parley_nobodys' : token, {
      signal,
      body: {
        ...asked,
        ...(plan.isBackground ? { background: true } : {}),
        ...(refusal === 'body' ? { model: 7, content: 7, id: 7 } : {}),
        ...(refusal === 'parameter' ? { n: 2 } : {}),
      },
    });
  }

  private async read(
    response: Response,
    plan: CallPlan,
    { told, token, leave }: { readonly told: Told; readonly token: string; readonly leave: () => void },
  ): Promise<void> {
    const { behaviour, moment } = plan;
    const decoder = new TextDecoder();
    let pieces = 0;
    let cancelling: Promise<void> | undefined;
    for await (const bytes of response.body ?? []) {
      pieces++;
      told.text += decoder.decode(bytes as Uint8Array, { stream: true });
      told.messageId ??= messageIdIn(told.text);
      if (behaviour === 'leaves in the middle' && pieces === moment) leave();
      const isTime = behaviour === 'cancels once asked' || pieces >= moment;
      if (behaviour.startsWith('cancels') && isTime && told.messageId !== undefined) {
        cancelling ??= this.cancel(plan, told, token);
      }
    }
    await cancelling;
  }

  /** Stops an answer in a thread. */
  private async cancel({ behaviour, number }: CallPlan, told: Told, token: string): Promise<void> {
    told.hasCancelled = true;
    if (behaviour === 'cancels once asked') await this.upstream.asked(number);
    await this.post(`/api/messages/${told.messageId ?? ''}/cancel`, token, { body: {} });
  }

  /** Waits for a response that is made in the background. @returns whether it is whole */
  private async follow(plan: CallPlan, told: Told, token: string): Promise<boolean> {
    const { id } = JSON.parse(told.text) as { id: string };
    if (plan.behaviour === 'cancels once asked') {
      await this.upstream.asked(plan.number);
      told.hasCancelled = true;
      await this.post(`/v1/responses/${id}/cancel`, token, { body: {} });
    }
    const status = await eventually(async () => {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${this.url}/v1/responses/${id}`, { headers });
      const kept = (await response.json()) as { status: string };
      return kept.status === 'in_progress' ? undefined : kept.status;
    }, patienceMs);
    return status === 'completed';
  }

  private async beginThread(token: string): Promise<string> {
    // With a title, so that no job makes one.
    const response = await this.post('/api/threads', token, { body: { title: 'Counted' } });
    const { data } = (await response.json()) as { data: { id: string } };
    return data.id;
  }

  private post(
    path: string,
    token: string,
    { body, signal }: { readonly body: object; readonly signal?: AbortSignal },
  ): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

/** As the native stream, that of the AI SDK, a refusal and the finished pair each have it. */
function messageIdIn(text: string): string | undefined {
  return /"(?:messageId|assistantMessage":\{"id)":"(msg_\w+)"/.exec(text)?.[1];
}
