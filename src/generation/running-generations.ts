import { Injectable } from '@nestjs/common';
import type { StopReason } from './generation-run.js';
import type { LiveStream } from './live-stream.js';

interface Running {
  readonly id: string;
  readonly stream: LiveStream;
  readonly ended: Promise<unknown>;
  stop(reason: StopReason): void;
}

/** What this process is generating, by message id. */
@Injectable()
export class RunningGenerations {
  private readonly byId = new Map<string, Running>();

  add(generation: Running): void {
    this.byId.set(generation.id, generation);
    void generation.ended.then(() => this.byId.delete(generation.id));
  }

  find(id: string): Running | undefined {
    return this.byId.get(id);
  }

  get ids(): readonly string[] {
    return [...this.byId.keys()];
  }

  /** Waits until the answer is stored as stopped; returns at once when it is not generated here. */
  async stop(id: string, reason: StopReason): Promise<void> {
    const generation = this.byId.get(id);
    generation?.stop(reason);
    await generation?.ended;
  }

  async stopAll(reason: StopReason): Promise<void> {
    await Promise.all(this.ids.map((id) => this.stop(id, reason)));
  }

  /** Resolves when nothing is being generated. */
  async idle(): Promise<void> {
    while (this.byId.size > 0) await Promise.all([...this.byId.values()].map(({ ended }) => ended));
  }
}
