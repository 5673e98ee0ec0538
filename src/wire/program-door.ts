import { Inject, Injectable } from '@nestjs/common';
import type { Response } from 'express';
import type { Caller } from '../auth/caller.js';
import { LiveAccess } from '../auth/live-access.service.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { currentRequestId } from '../infrastructure/http/request-context.js';
import type { EmbedResult } from '../llm-providers/contract/embed.js';
import type { GenerateResult } from '../llm-providers/contract/collect.js';
import { showTokenBudget } from '../rate-limits/limit-headers.js';
import { sendJsonBytes, sendProgramAnswer, sendProgramStream, type StreamEncoder } from './program-answer.js';
import {
  ProgramCalls,
  type EmbeddingEvent,
  type ProgramCall,
  type ProgramEmbedding,
  type ProgramEvent,
} from './program-calls.service.js';
import { goneFrom } from './reading.js';

/** One call as a door makes it: what it asks, who asks, and how the answer is said. */
export interface AskedCall extends Omit<ProgramCall, 'requestId' | 'signal' | 'onBudget'> {
  readonly streams: boolean;
  /** Made when the answer begins. */
  readonly encoder: () => StreamEncoder;
  readonly toBody: (result: GenerateResult) => object;
}

interface AskedEmbedding extends Omit<ProgramEmbedding, 'requestId' | 'signal' | 'onBudget'> {
  readonly toBody: (vectors: EmbedResult['vectors'], inputTokens: number) => object;
}

/** Calls of programs from the request to the end of the answer: for as long as the caller is there, and may. */
@Injectable()
export class ProgramDoor {
  constructor(
    private readonly calls: ProgramCalls,
    private readonly access: LiveAccess,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  /** @throws as `ProgramCalls.answer`, before anything is sent; a caller who has gone away is no failure */
  answer(response: Response, { streams, encoder, toBody, ...call }: AskedCall): Promise<void> {
    return this.during(call.caller, response, async (signal, ended) => {
      const events = this.calls.answer({ ...call, ...howSeen(response), signal });
      if (streams) await this.stream(response, events, encoder(), ended);
      else await sendProgramAnswer(response, events, toBody);
    });
  }

  /** @throws as `ProgramCalls.embed`; a caller who has gone away is no failure */
  embed(response: Response, { toBody, ...call }: AskedEmbedding): Promise<void> {
    return this.during(call.caller, response, async (signal) => {
      await sendVectors(response, this.calls.embed({ ...call, ...howSeen(response), signal }), toBody);
    });
  }

  /**
   * Does something for a caller who waits for it.
   * @param work is given what aborts when the caller is gone or may not go on, and what aborts for the latter alone
   */
  async during(
    caller: Caller,
    response: Response,
    work: (signal: AbortSignal, ended: AbortSignal) => Promise<void>,
  ): Promise<void> {
    await this.access.during(caller, 'completions:write', async (ended) => {
      try {
        await work(goneFrom(response, ended), ended);
      } catch (error) {
        // Nobody is there to be told.
        if (!response.destroyed) throw error;
      }
    });
  }

  private stream(
    response: Response,
    events: AsyncGenerator<ProgramEvent, void, undefined>,
    encoder: StreamEncoder,
    ended: AbortSignal,
  ): Promise<void> {
    const slowReaderTimeoutMs = this.config['server.slowReaderTimeoutMs'];
    return sendProgramStream(response, events, encoder, { ended, slowReaderTimeoutMs });
  }
}

function howSeen(response: Response): Pick<ProgramCall, 'requestId' | 'onBudget'> {
  return { requestId: currentRequestId(), onBudget: (budget) => showTokenBudget(response, budget) };
}

async function sendVectors(
  response: Response,
  events: AsyncIterable<EmbeddingEvent>,
  toBody: AskedEmbedding['toBody'],
): Promise<void> {
  let vectors: EmbedResult['vectors'] = [];
  let inputTokens = 0;
  let bytes: Uint8Array | undefined;
  for await (const event of events) {
    if (event.type === 'bytes') bytes = event.bytes;
    else if (event.type === 'vectors') ({ vectors } = event);
    else if (event.type === 'finish') inputTokens = event.usage?.inputTokens ?? 0;
  }
  if (bytes === undefined) response.status(200).json(toBody(vectors, inputTokens));
  else sendJsonBytes(response, bytes);
}
