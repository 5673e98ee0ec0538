import { Injectable } from '@nestjs/common';
import type { Caller } from '../../auth/caller.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { Ids, toWireId } from '../../common/ids.js';
import { toDomainError } from '../../infrastructure/http/to-domain-error.js';
import { Log } from '../../infrastructure/logging/log.js';
import type { FinishEvent, GenerateEvent } from '../../llm-providers/contract/generate-event.js';
import { ModelRoutes } from '../../models/model-routes.service.js';
import { BackgroundResponses } from '../../responses/background-responses.js';
import {
  StoredResponses,
  type Conversation,
  type KeptResponse,
} from '../../responses/stored-responses.service.js';
import {
  ProgramCalls,
  type ProgramCall,
  type ProgramEvent,
  type ProgramRequest,
} from '../program-calls.service.js';
import { ResponseWriter } from './response-writer.js';
import { readResponseRequest, toProgramRequest, type ResponseRequest } from './responses-request.js';

/** A response that is asked for, with everything that is to be known of it before it is answered. */
export interface AskedResponse {
  readonly caller: Caller;
  /** A UUID. */
  readonly id: string;
  readonly request: ResponseRequest;
  readonly conversation: Conversation;
  readonly program: ProgramRequest;
  readonly writer: ResponseWriter;
}

type Answering = Pick<ProgramCall, 'requestId' | 'signal' | 'onBudget'>;

/**
 * Responses as OpenAI has them, made by whatever model is asked. No request is passed on as it is, since what a vendor would keep of it
 * is nobody's there: docs/decisions/2026-11-21-responses.md.
 */
@Injectable()
export class ResponsesService {
  constructor(
    private readonly calls: ProgramCalls,
    private readonly stored: StoredResponses,
    private readonly background: BackgroundResponses,
    private readonly routes: ModelRoutes,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /** @throws DomainError as `readResponseRequest` and `StoredResponses.continuing` */
  async prepare(caller: Caller, body: unknown): Promise<AskedResponse> {
    const newId = (prefix: string): string => `${prefix}_${this.ids.next().replaceAll('-', '')}`;
    const request = readResponseRequest(body, newId);
    const conversation = await this.stored.continuing(caller, request.previousId, request.input);
    const program = toProgramRequest(request, conversation.items);
    const id = this.ids.next();
    const { model, repeated, includesEncrypted } = request;
    const frame = {
      id: toWireId('response', id),
      createdAt: this.clock.now(),
      model,
      repeated,
      includesEncrypted,
    };
    return {
      caller,
      id,
      request,
      conversation,
      program,
      writer: new ResponseWriter(frame, newId, this.clock),
    };
  }

  /**
   * The answer, to be written down with the writer of what was asked; kept, where it is to be, before its end is told: whoever hears of
   * it can continue from it.
   * @throws DomainError as `ProgramCalls.answer`
   */
  async *answer(asked: AskedResponse, answering: Answering): AsyncGenerator<ProgramEvent, void, undefined> {
    let finish: FinishEvent | undefined;
    for await (const event of this.events(asked, answering)) {
      if (event.type === 'finish') finish = event;
      else yield event;
    }
    if (finish === undefined) return;
    asked.writer.add(finish);
    if (asked.request.stores) await this.stored.keep(asked.caller, toKept(asked));
    yield finish;
  }

  /**
   * Begins a response that nobody waits for.
   * @throws DomainError TOO_MANY_GENERATIONS, and what `ModelRoutes.resolve` throws
   */
  async begin(asked: AskedResponse, requestId: string): Promise<object> {
    const { caller, id, request, writer } = asked;
    await this.routes.resolve(caller, request.model);
    await this.stored.begin(caller, toKept(asked));
    const { response } = writer;
    this.background.run(caller, id, async (signal) => {
      await this.make(asked, { requestId, signal });
      await this.stored.end(caller, id, toKept(asked));
    });
    return response;
  }

  private async make(asked: AskedResponse, answering: Answering): Promise<void> {
    try {
      for await (const event of this.events(asked, answering)) asked.writer.add(event);
    } catch (error) {
      if (!(error instanceof DomainError))
        this.log.error({ err: error }, 'a response in the background failed');
      asked.writer.fail(toDomainError(error));
    }
  }

  private async *events(
    { caller, request, program }: AskedResponse,
    answering: Answering,
  ): AsyncGenerator<GenerateEvent, void, undefined> {
    const events = this.calls.answer({
      ...{ caller, door: 'openai-responses', modelId: request.model, request: () => program },
      maxOutputTokens: program.maxOutputTokens,
      ...answering,
    });
    // Where nothing is to be passed on, nothing is.
    for await (const event of events) yield event as GenerateEvent;
  }
}

function toKept({ id, request, conversation, writer }: AskedResponse): KeptResponse {
  const { status, bare: response, output } = writer;
  return { ...{ id, modelId: request.model, status, conversation, response }, input: request.input, output };
}
