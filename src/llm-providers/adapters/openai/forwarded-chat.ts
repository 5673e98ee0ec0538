import type { TokenUsage } from '../../contract/generate-event.js';
import { dataOf } from '../../forwarded-events.js';
import { isRecord, JsonObject } from '../../json-shape.js';
import { toChatUsage } from './chat-usage.js';
import { ReportedError } from './openai-errors.js';

const terminator = '[DONE]';
const errorKey = Buffer.from('"error"');
const errorKind = Buffer.from('"object":"error"');
const usageKey = Buffer.from('"usage"');
const nothingUsed = /,\s*"usage"\s*:\s*null/;

/**
 * Looks at the chunks of a chat completion, or of a legacy one, on their way from a vendor to a program that speaks the same: for how much
 * was used, for an error, and for the end. What it does not look for it does not read.
 */
export class ForwardedChat {
  usage: TokenUsage | undefined;
  isOver = false;

  /** @param hidesUsage the program did not ask for usage: we did, and it is to see nothing of it */
  constructor(private readonly hidesUsage: boolean) {}

  /**
   * @param event of the stream, whole
   * @returns what the program is to get of it
   * @throws ReportedError when it is an error
   */
  pass(event: Buffer): Buffer | undefined {
    if (event.includes(terminator) && dataOf(event).trim() === terminator) {
      this.isOver = true;
      return event;
    }
    if (event.includes(errorKey) || event.includes(errorKind)) refuseError(event);
    return event.includes(usageKey) ? this.passUsage(event) : event;
  }

  private passUsage(event: Buffer): Buffer | undefined {
    const text = event.toString('utf8');
    if (nothingUsed.test(text)) {
      // Bytes of this form stand for the field alone: in a string the quotes would be escaped.
      return this.hidesUsage ? Buffer.from(text.replace(nothingUsed, '')) : event;
    }
    const data: unknown = JSON.parse(dataOf(event));
    const chunk = JsonObject.from(data, 'chunk');
    const usage = chunk.object('usage');
    if (usage === undefined) return event;
    this.usage = toChatUsage(usage);
    if (!this.hidesUsage) return event;
    if ((chunk.objects('choices') ?? []).length === 0 || !isRecord(data)) return undefined;
    const { usage: _hidden, ...shown } = data;
    return Buffer.from(`data: ${JSON.stringify(shown)}\n\n`);
  }
}

function refuseError(event: Buffer): void {
  const chunk: unknown = JSON.parse(dataOf(event));
  if (!isRecord(chunk)) return;
  const error = chunk['error'] ?? (chunk['object'] === 'error' ? chunk : undefined);
  if (error !== undefined && error !== null) throw new ReportedError(error);
}
