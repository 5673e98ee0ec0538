import type { TokenUsage } from '../../contract/generate-event.js';
import type { Passed, StreamTap } from '../../forwarded-answer.js';
import { dataOf } from '../../forwarded-events.js';
import { isRecord, JsonObject } from '../../json-shape.js';
import { toChatUsage } from './chat-usage.js';
import { ReportedError } from './openai-errors.js';

const terminator = '[DONE]';
const errorKey = Buffer.from('"error"');
const usageKey = Buffer.from('"usage"');
/** As most servers write it. Bytes of this form stand for the field alone: within a string the quotes would be escaped. */
const nothingUsed = /,"usage":null(?=[,}])/;

/**
 * Looks at the chunks of a chat completion, or of a legacy one, on their way from a vendor to a program that speaks the same: for how much
 * was used, for an error, and for the end. What it does not look for it does not read.
 */
export class ForwardedChat implements StreamTap {
  usage: TokenUsage | undefined;
  isOver = false;

  /** @param hidesUsage the program did not ask for usage: we did, and it is to see nothing of it */
  constructor(private readonly hidesUsage: boolean) {}

  /** @throws ReportedError when it is an error */
  pass(event: Buffer): Passed | undefined {
    if (event.includes(terminator) && dataOf(event).trim() === terminator) {
      this.isOver = true;
      return { bytes: event, tokens: 0 };
    }
    // An error of vLLM is the chunk itself, and says so in the same quotes: {"object":"error", …}.
    if (event.includes(errorKey)) refuseError(event);
    const bytes = event.includes(usageKey) ? this.withoutUsage(event) : event;
    return bytes === undefined ? undefined : { bytes, tokens: 1 };
  }

  /** Notes the usage. @returns what the program sees of the chunk, if anything */
  private withoutUsage(event: Buffer): Buffer | undefined {
    const text = event.toString('utf8');
    if (nothingUsed.test(text)) {
      return this.hidesUsage ? Buffer.from(text.replace(nothingUsed, '')) : event;
    }
    const data: unknown = JSON.parse(dataOf(event));
    const chunk = JsonObject.from(data, 'chunk');
    const usage = chunk.object('usage');
    if (usage !== undefined) this.usage = toChatUsage(usage);
    if (!this.hidesUsage || !isRecord(data) || !('usage' in data)) return event;
    if (usage !== undefined && (chunk.objects('choices') ?? []).length === 0) return undefined;
    const { usage: _hidden, ...shown } = data;
    return Buffer.from(`data: ${JSON.stringify(shown)}\n\n`);
  }
}

function refuseError(event: Buffer): void {
  const chunk: unknown = JSON.parse(dataOf(event));
  if (!isRecord(chunk)) return;
  const error = chunk['error'] ?? (chunk['object'] === 'error' ? chunk : undefined);
  if (error !== undefined) throw new ReportedError(error);
}
