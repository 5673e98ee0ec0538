import type { DomainError } from '../../common/domain-error.js';
import type { GenerateEvent } from '../../llm-providers/contract/generate-event.js';
import type { StreamEncoder } from '../program-answer.js';
import type { ResponseEvent } from './output-items.js';
import type { ResponseWriter } from './response-writer.js';
import { toResponsesError } from './responses-error-shape.js';

/** Says an answer in the events of a response, numbered: https://platform.openai.com/docs/api-reference/responses-streaming */
export class ResponseStreamEncoder implements StreamEncoder {
  private sequence = 0;

  constructor(private readonly writer: ResponseWriter) {}

  encode(event: GenerateEvent): string {
    return this.written(this.writer.add(event));
  }

  /** Clients that do not look at the status of what they put together hear of an `error`. */
  fail(error: DomainError): string {
    const { message, param, code } = toResponsesError(error);
    return this.written([...this.writer.fail(error), { type: 'error', code, message, param }]);
  }

  private written(events: readonly ResponseEvent[]): string {
    return events.map((event) => this.line(event)).join('');
  }

  private line({ type, ...fields }: ResponseEvent): string {
    const data = JSON.stringify({ type, sequence_number: this.sequence++, ...fields });
    return `event: ${type}\ndata: ${data}\n\n`;
  }
}
