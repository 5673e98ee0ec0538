import type { Clock } from '../../common/clock.js';
import type { DomainError } from '../../common/domain-error.js';
import type { FinishEvent, GenerateEvent } from '../../llm-providers/contract/generate-event.js';
import type { ResponseStatus } from '../../responses/stored-response.entity.js';
import { CallItem, MessageItem, ReasoningItem, type OutputItem, type ResponseEvent } from './output-items.js';
import { endOf, failedBy, inProgress, toResponseUsage, type ResponseEnd } from './response-words.js';

/** What a response is before it is answered. */
export interface ResponseFrame {
  /** As programs know it. */
  readonly id: string;
  readonly createdAt: Date;
  /** The name that was asked for; answers have the vendor's, where it says one. */
  readonly model: string;
  /** The fields of the request that are in its response too. */
  readonly repeated: Readonly<Record<string, unknown>>;
  readonly includesEncrypted: boolean;
}

/** Puts a response together while it is answered, and tells every step. */
export class ResponseWriter {
  private readonly items: OutputItem[] = [];
  private readonly calls = new Map<string, CallItem>();
  /** What the model is saying or thinking. */
  private spoken: MessageItem | ReasoningItem | undefined;
  private model: string;
  private end: ResponseEnd = inProgress;
  private usage: object | null = null;
  private completedAt: number | null = null;
  private ending: readonly ResponseEvent[] | undefined;

  /** @param newId makes ids of items, after a prefix */
  constructor(
    private readonly frame: ResponseFrame,
    private readonly newId: (prefix: string) => string,
    private readonly clock: Clock,
  ) {
    this.model = frame.model;
  }

  get status(): ResponseStatus {
    return this.end.status;
  }

  /** The response as it is now, without its output. */
  get bare(): object {
    const { id, createdAt, repeated } = this.frame;
    const { end, model, usage, completedAt } = this;
    const times = { created_at: inSeconds(createdAt), completed_at: completedAt };
    return { id, object: 'response', ...times, ...end, ...repeated, model, usage };
  }

  /** Everything that was answered, with what is encrypted. */
  get output(): readonly object[] {
    return this.items.map(({ item }) => item);
  }

  /** The response as it is now, as the program sees it. */
  get response(): object {
    return { ...this.bare, output: this.items.map(({ shown }) => shown) };
  }

  /** @returns what is told of it; of `finish`, which may be added twice, the same again */
  add(event: GenerateEvent): readonly ResponseEvent[] {
    switch (event.type) {
      case 'start':
        this.model = event.model ?? this.model;
        return [this.told('response.created'), this.told('response.in_progress')];
      case 'text': {
        const { begun, item } = this.speaking();
        return [...begun, ...item.say(event)];
      }
      case 'reasoning': {
        const { begun, item } = this.thinking(event.redacted !== undefined);
        const said = [...begun, ...item.think(event)];
        const isOver = event.signature !== undefined || event.redacted !== undefined;
        return isOver ? [...said, ...this.endSpoken('completed')] : said;
      }
      case 'tool-call-start': {
        const over = this.endSpoken('completed');
        const call = this.begin(new CallItem(this.newId('fc'), this.items.length, event));
        this.calls.set(event.id, call);
        return [...over, ...call.begin()];
      }
      case 'tool-call-delta':
        return this.calls.get(event.id)?.fill(event.input) ?? [];
      case 'tool-call-end':
        return this.calls.get(event.id)?.end('completed') ?? [];
      case 'finish':
        return (this.ending ??= this.finish(event));
    }
  }

  /** The response has failed, whatever was said before: of that nothing more is told, lest it look whole. */
  fail(error: DomainError): readonly ResponseEvent[] {
    this.endAll('incomplete');
    this.end = failedBy(error);
    return [this.told('response.failed')];
  }

  private finish({ reason, usage }: FinishEvent): readonly ResponseEvent[] {
    const end = endOf(reason);
    const { status } = end;
    const over = this.endAll(status);
    this.end = end;
    this.usage = usage === undefined ? null : toResponseUsage(usage);
    if (status === 'completed') this.completedAt = inSeconds(this.clock.now());
    return [...over, this.told(`response.${status}`)];
  }

  private speaking(): { readonly begun: readonly ResponseEvent[]; readonly item: MessageItem } {
    if (this.spoken instanceof MessageItem) return { begun: [], item: this.spoken };
    const over = this.endSpoken('completed');
    const item = this.begin(new MessageItem(this.newId('msg'), this.items.length));
    this.spoken = item;
    return { begun: [...over, ...item.begin()], item };
  }

  /** @param isApart reasoning that nobody may see is an item of its own */
  private thinking(isApart: boolean): {
    readonly begun: readonly ResponseEvent[];
    readonly item: ReasoningItem;
  } {
    if (this.spoken instanceof ReasoningItem && !isApart) return { begun: [], item: this.spoken };
    const over = this.endSpoken('completed');
    const item = this.begin(
      new ReasoningItem(this.newId('rs'), this.items.length, this.frame.includesEncrypted),
    );
    this.spoken = item;
    return { begun: [...over, ...item.begin()], item };
  }

  private begin<Item extends OutputItem>(item: Item): Item {
    this.items.push(item);
    return item;
  }

  private endAll(status: 'completed' | 'incomplete'): readonly ResponseEvent[] {
    return [...this.endSpoken(status), ...[...this.calls.values()].flatMap((call) => call.end(status))];
  }

  /** Something else begins, or nothing does. */
  private endSpoken(status: 'completed' | 'incomplete'): readonly ResponseEvent[] {
    const over = this.spoken?.end(status) ?? [];
    this.spoken = undefined;
    return over;
  }

  private told(type: string): ResponseEvent {
    return { type, response: this.response };
  }
}

function inSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
