import { Injectable } from '@nestjs/common';

/** Where the process is in its life: what the probes tell the orchestrator. */
@Injectable()
export class Lifecycle {
  private state: 'starting' | 'started' | 'draining' = 'starting';

  /** Migrations are done, the configuration was valid, requests may come. */
  started(): void {
    this.state = 'started';
  }

  /** A signal to end has come: no new work, please. */
  draining(): void {
    this.state = 'draining';
  }

  get hasStarted(): boolean {
    return this.state !== 'starting';
  }

  get isDraining(): boolean {
    return this.state === 'draining';
  }
}
