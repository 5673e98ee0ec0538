import { Injectable } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import type { Owner } from '../common/owner.js';
import type { Message } from '../messages/message.entity.js';
import { MessagesService } from '../messages/messages.service.js';
import { FollowedJournals } from './followed-journals.js';
import type { Generation } from './generation-starter.js';
import type { AnswerStream } from './live-stream.js';
import { RunningGenerations } from './running-generations.js';
import { endOf, isGenerating, replay } from './stored-answer.js';
import { closeNumber } from './stream-position.js';

/** When an answer that goes on elsewhere may be asked for there, in milliseconds. */
const retryAfterMs = 1000;

/** The stream of any answer, wherever and whenever it is generated: numbers of events mean the same in all of them. */
@Injectable()
export class AnswerStreams {
  constructor(
    private readonly messages: MessagesService,
    private readonly running: RunningGenerations,
    private readonly journals: FollowedJournals,
  ) {}

  /** @throws DomainError MESSAGE_NOT_FOUND; MESSAGE_NOT_AN_ANSWER for what no model says */
  async open(owner: Owner, messageId: string): Promise<AnswerStream> {
    const message = await this.messages.get(owner, messageId);
    if (message.role !== 'assistant') throw new DomainError('MESSAGE_NOT_AN_ANSWER');
    return this.of(message);
  }

  /**
   * An answer that has begun before, as if it were just begun. Where this replica stops before it has ended, its failure says to try again.
   * @throws DomainError MESSAGE_NOT_FOUND
   */
  async join(owner: Owner, messageId: string): Promise<Generation> {
    const assistantMessage = await this.messages.get(owner, messageId);
    const userMessage = await this.messages.questionOf(owner, messageId);
    const stream = this.of(assistantMessage);
    const ended: Generation['ended'] = async (gone) => {
      let isClosed = false;
      for await (const { event } of stream.follow(closeNumber - 1, gone)) isClosed ||= event.type === 'close';
      const message = await this.messages.get(owner, messageId);
      return !isClosed && isGenerating(message) ? { message, failure: notHere() } : endOf(message);
    };
    return { userMessage, assistantMessage, stream, ended };
  }

  private of(answer: Message): AnswerStream {
    if (!isGenerating(answer)) return replay(answer);
    return this.running.find(answer.id)?.stream ?? this.journals.of(answer);
  }
}

/** Nothing is known of the end: whoever asks again will be told. */
function notHere(): DomainError {
  return new DomainError('SERVER_STOPPING', { retryAfterMs });
}
