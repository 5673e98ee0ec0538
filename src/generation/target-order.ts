import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Random } from '../common/random.js';
import type { ModelRoute, RouteTarget } from '../models/model-route.js';

/** Times by the monotonic clock, in ms. */
interface Failure {
  readonly at: number;
  /** When the vendor wants to be asked again. */
  readonly retryAt: number;
}

/** Those that failed last. Who loses its entry is no longer tried last, no more. */
const mostFailures = 10_000;

/**
 * In which order the targets of a route are asked. What has failed lately goes last, in the order in which it may be asked again:
 * remembered in this process alone, and of each target, so that every route applies its own cooldown to what any of them found out.
 */
@Injectable()
export class TargetOrder {
  private readonly failures = new Map<string, Failure>();

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** All targets of the route: its own order, or a draw by weight; those that cool down last. */
  of({ targets, policy }: ModelRoute): readonly RouteTarget[] {
    const now = this.clock.monotonicMs();
    const drawn = policy.strategy === 'weighted' ? this.draw(targets) : [...targets];
    const coolingMs = (target: RouteTarget): number => {
      const failure = this.failures.get(keyOf(target));
      return failure === undefined ? 0 : Math.max(failure.at + policy.cooldownMs, failure.retryAt, now) - now;
    };
    return drawn.sort((one, other) => coolingMs(one) - coolingMs(other));
  }

  /** @param retryAfterMs what the vendor asked for */
  failed(target: RouteTarget, retryAfterMs = 0): void {
    const key = keyOf(target);
    const at = this.clock.monotonicMs();
    this.failures.delete(key);
    this.failures.set(key, { at, retryAt: at + retryAfterMs });
    const [oldest] = this.failures.keys();
    if (this.failures.size > mostFailures && oldest !== undefined) this.failures.delete(oldest);
  }

  answered(target: RouteTarget): void {
    this.failures.delete(keyOf(target));
  }

  /** Without replacement: each place goes to one of those left, by their share of the weights left. */
  private draw(targets: readonly RouteTarget[]): RouteTarget[] {
    const left = [...targets];
    const drawn: RouteTarget[] = [];
    while (left.length > 0) {
      let point = this.random.next() * left.reduce((sum, { weight }) => sum + weight, 0);
      const index = left.findIndex(({ weight }) => (point -= weight) < 0);
      // What has no weight follows in the order of the route.
      drawn.push(...left.splice(Math.max(index, 0), 1));
    }
    return drawn;
  }
}

function keyOf({ connection, model }: RouteTarget): string {
  return JSON.stringify([connection.id, model.id]);
}
