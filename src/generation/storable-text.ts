import { storable } from '../common/storable.js';

/** Makes text storable that comes in pieces: a character that is cut in two by the pieces is put together again. */
export class StorableText {
  private half = '';

  /** The storable text so far unheard; empty when all there is is half a character. */
  push(piece: string): string {
    const text = this.half + piece;
    const last = text.charCodeAt(text.length - 1);
    const endsInHalf = last >= 0xd800 && last <= 0xdbff;
    this.half = endsInHalf ? text.slice(-1) : '';
    return storable(endsInHalf ? text.slice(0, -1) : text);
  }

  /** What is left when no more comes: half a character that nobody completed. */
  end(): string {
    const rest = storable(this.half);
    this.half = '';
    return rest;
  }
}
