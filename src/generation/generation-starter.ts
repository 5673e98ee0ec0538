import { Injectable } from '@nestjs/common';
import type { Message } from '../messages/message.entity.js';
import type { Exchange } from '../messages/messages.service.js';
import { AnswerWriter, type GenerationEnd } from './answer-writer.js';
import { GenerationRuns, type Outcome } from './generation-run.js';
import { Journal } from './journal.js';
import { LiveStream, type AnswerStream } from './live-stream.js';
import type { ModelCall, PlannedCall } from './model-call.js';
import { RunningGenerations } from './running-generations.js';
import { lastEvent, startOf } from './stored-answer.js';

/** A generation that has begun: both messages are committed. */
export interface Generation {
  readonly userMessage: Message;
  readonly assistantMessage: Message;
  readonly stream: AnswerStream;
  /** The end of it, once written; that it is not yet complete when who waits is gone. */
  readonly ended: (gone: AbortSignal) => Promise<GenerationEnd>;
}

/** Lets models answer, with everybody listening who wants to: readers, the journal, and who may stop it. */
@Injectable()
export class GenerationStarter {
  constructor(
    private readonly runs: GenerationRuns,
    private readonly journal: Journal,
    private readonly writer: AnswerWriter,
    private readonly running: RunningGenerations,
  ) {}

  start(
    { userMessage, assistantMessage }: Pick<Exchange, 'userMessage' | 'assistantMessage'>,
    call: PlannedCall & Pick<ModelCall, 'requestId'>,
  ): Generation {
    const { id } = assistantMessage;
    const stream = new LiveStream();
    stream.append(startOf(assistantMessage));
    const run = this.runs.prepare({
      ...call,
      onEvent: (event) => this.journal.append(id, stream.append(event), event),
    });
    const ended = run.run().then((outcome) => this.end(assistantMessage, outcome, { ...call, stream }));
    this.running.add({ id, stream, stop: (reason) => run.stop(reason), ended });
    return { userMessage, assistantMessage, stream, ended: () => ended };
  }

  /** The last event of a stream goes out after the end is committed: what was acknowledged is not lost. */
  private async end(
    message: Message,
    outcome: Outcome,
    { route, hasGap, stream }: PlannedCall & { readonly stream: LiveStream },
  ): Promise<GenerationEnd> {
    const end = await this.writer.write(message, outcome, { ...route, hasGap: hasGap() });
    stream.append(lastEvent(end));
    stream.append({ type: 'close' });
    return end;
  }
}
