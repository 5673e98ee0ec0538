import type { LoadProgress } from '../../contract/model-info.js';
import type { JsonObject } from '../../json-shape.js';
import type { LineDecoder } from './ollama-client.js';

interface Layer {
  readonly total: number;
  readonly completed: number;
}

/** A server reports several times a second; a thousand steps are enough for anybody. */
const steps = 1000;

/**
 * The progress of a download, from the lines of POST /api/pull: https://docs.ollama.com/api/pull. A model comes in layers, which become known
 * one after the other, the large one first: what a new one would take away from the progress is not shown.
 */
export class PullDecoder implements LineDecoder<LoadProgress> {
  outputBegan = false;
  isComplete = false;
  private readonly layers = new Map<string, Layer>();
  private progress = -1;

  decode(line: JsonObject): readonly LoadProgress[] {
    this.isComplete = line.text('status') === 'success';
    const digest = line.text('digest');
    const total = line.count('total');
    if (digest === undefined || total === undefined || total === 0) return [];
    this.layers.set(digest, { total, completed: Math.min(line.count('completed') ?? 0, total) });
    const progress = Math.floor(this.share() * steps) / steps;
    if (progress <= this.progress) return [];
    this.progress = progress;
    this.outputBegan = true;
    return [{ state: 'loading', progress }];
  }

  private share(): number {
    let [completed, total] = [0, 0];
    for (const layer of this.layers.values()) {
      completed += layer.completed;
      total += layer.total;
    }
    return completed / total;
  }
}
