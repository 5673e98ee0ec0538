import { Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BytePairEncoding } from './byte-pair-encoding.js';
import { encodingOf, type CountedModel, type EncodingName } from './encodings.js';
import { estimateTokens } from './estimated-tokens.js';
import { loadEncoding } from './load-encoding.js';

/** What a chat adds to the text of each message: its role, where it begins and ends. Four with OpenAI, six with Llama's template. */
export const tokensAroundMessage = 6;

/** What follows a conversation, for the answer to begin. */
export const tokensBeforeAnswer = 3;

/** How much may be counted before others have their turn, in UTF-16 units: 1 ms of prose, 10 ms of the worst there is. */
const unitsAtOnce = 4096;

/** An estimate is so much faster. */
const estimateSpeed = 16;

/**
 * Counts tokens: with the model's own tokenizer where that is known, and else on the high side. Never holds up others for long, whatever
 * the text is.
 */
@Injectable()
export class TokenCounter {
  private readonly encodings = new Map<EncodingName, Promise<BytePairEncoding>>();
  private unitsSinceTurn = 0;
  private turn: Promise<unknown> = Promise.resolve();

  /** Of a text, without what a chat adds to it: see `tokensAroundMessage`. Never more than it has bytes in UTF-8. */
  async count(model: CountedModel, text: string): Promise<number> {
    const name = encodingOf(model);
    const encoding = name === undefined ? undefined : await this.encoding(name);
    const [countPart, cost] =
      encoding === undefined
        ? [estimateTokens, 1 / estimateSpeed]
        : [(part: string): number => encoding.count(part), 1];
    let tokens = 0;
    for (let from = 0; from < text.length;) {
      const part = partFrom(text, from, unitsAtOnce / cost);
      await this.makeWay(part.length * cost);
      tokens += countPart(part);
      from += part.length;
    }
    return tokens;
  }

  private encoding(name: EncodingName): Promise<BytePairEncoding> {
    const known = this.encodings.get(name);
    if (known !== undefined) return known;
    const loading = loadEncoding(name);
    this.encodings.set(name, loading);
    // Whoever counts next tries again.
    loading.catch(() => this.encodings.delete(name));
    return loading;
  }

  /** All counting of the process is in one queue: however many count, others have their turn as often. */
  private async makeWay(units: number): Promise<void> {
    this.unitsSinceTurn += units;
    if (this.unitsSinceTurn <= unitsAtOnce) return;
    this.unitsSinceTurn = units;
    this.turn = this.turn.then(() => nextTurn());
    await this.turn;
  }
}

/** Ends before a space where there is one, since tokens begin with them, and never within a pair of surrogates. */
function partFrom(text: string, from: number, units: number): string {
  const part = text.slice(from, from + units);
  if (from + part.length === text.length) return part;
  const space = part.lastIndexOf(' ');
  if (space > 0) return part.slice(0, space);
  return part.isWellFormed() ? part : part.slice(0, -1);
}
