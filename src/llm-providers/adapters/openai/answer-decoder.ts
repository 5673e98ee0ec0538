import type { EventSourceMessage } from 'eventsource-parser';
import type { GenerateEvent } from '../../contract/generate-event.js';

/** Turns the messages of one event stream into our events. */
export interface AnswerDecoder {
  /** Whether any event came out. */
  readonly outputBegan: boolean;

  /**
   * The events of one message; after `finish` there is none.
   * @throws ReportedError, UnfinishedError, UnexpectedShapeError or SyntaxError
   */
  decode(message: EventSourceMessage): Generator<GenerateEvent, void, undefined>;
}
