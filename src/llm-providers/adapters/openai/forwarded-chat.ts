import type { TokenUsage } from '../../contract/generate-event.js';
import type { Passed, StreamTap } from '../../forwarded-answer.js';
import { dataOf } from '../../forwarded-events.js';
import { isRecord, JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { spokenIn } from '../../spoken-text.js';
import { estimateTokens } from '../../tokens/estimated-tokens.js';
import { toChatUsage } from './chat-usage.js';
import { ReportedError, UnfinishedError } from './openai-errors.js';

const terminator = '[DONE]';
/** As most servers write it. Bytes of this form stand for the field alone: within a string the quotes would be escaped. */
const nothingUsed = /,"usage":null(?=[,}])/;

/**
 * Looks at the chunks of a chat completion, or of a legacy one, on their way from a vendor to a program that speaks the same: for how much
 * was used, for an error, and for the end. Comments stay here: they are no output, and whoever sends nothing else is silent.
 */
export class ForwardedChat implements StreamTap {
  usage: TokenUsage | undefined;
  isOver = false;
  private held: Buffer[] = [];
  private outputBegan = false;
  private hasReason = false;

  /** @param hidesUsage the program did not ask for usage: we did, and it is to see nothing of it */
  constructor(private readonly hidesUsage: boolean) {}

  /** @throws ReportedError, UnfinishedError, UnexpectedShapeError, SyntaxError */
  pass(event: Buffer): Passed | undefined {
    const data = dataOf(event).trim();
    if (data === '') return undefined;
    if (data === terminator) {
      if (!this.hasReason) throw new UnfinishedError();
      this.isOver = true;
      return this.release(event, 0);
    }
    const chunk: unknown = JSON.parse(data);
    const fields = JsonObject.from(chunk, 'chunk');
    refuseError(fields, chunk);
    const choices = fields.objects('choices') ?? [];
    this.hasReason ||= choices.some((choice) => choice.text('finish_reason') !== undefined);
    const tokens = estimateTokens(spokenIn(chunk));
    // Until there is output another model can be asked instead.
    this.outputBegan ||= this.hasReason || tokens > 0 || choices.some(callsTool);
    const shown = this.withoutUsage(event, fields, choices.length);
    return shown === undefined ? undefined : this.release(shown, tokens);
  }

  private release(bytes: Buffer, tokens: number): Passed | undefined {
    this.held.push(bytes);
    if (!this.outputBegan) return undefined;
    const all = this.held.length === 1 ? bytes : Buffer.concat(this.held);
    this.held = [];
    return { bytes: all, tokens };
  }

  /** Notes the usage. @returns what the program sees of the chunk, if anything */
  private withoutUsage(event: Buffer, chunk: JsonObject, choices: number): Buffer | undefined {
    const usage = chunk.value('usage');
    if (usage !== undefined) this.usage = usageIn(chunk);
    if (!this.hidesUsage) return event;
    if (usage !== undefined && choices === 0) return undefined;
    const text = event.toString('utf8');
    if (!text.includes('"usage"')) return event;
    if (nothingUsed.test(text)) return Buffer.from(text.replace(nothingUsed, ''));
    const fields: unknown = JSON.parse(dataOf(event));
    if (!isRecord(fields)) return event;
    const { usage: _hidden, ...shown } = fields;
    return Buffer.from(`data: ${JSON.stringify(shown)}\n\n`);
  }
}

function callsTool(choice: JsonObject): boolean {
  return choice.object('delta')?.value('tool_calls') !== undefined;
}

/** The usage of an answer or a chunk; undefined when it is not told in a form that can be counted: then it is for us to count. */
export function usageIn(answer: JsonObject): TokenUsage | undefined {
  try {
    const usage = answer.object('usage');
    if (usage === undefined) return undefined;
    // Embeddings have no output.
    if (usage.value('completion_tokens') !== undefined) return toChatUsage(usage);
    return { inputTokens: usage.requiredCount('prompt_tokens'), outputTokens: 0 };
  } catch (error) {
    if (error instanceof UnexpectedShapeError) return undefined;
    throw error;
  }
}

/** An error of vLLM is the object itself: {"object":"error", …}. @throws ReportedError */
export function refuseError(fields: JsonObject, answer: unknown): void {
  const error = fields.value('error') ?? (fields.value('object') === 'error' ? answer : undefined);
  if (error !== undefined) throw new ReportedError(error);
}
