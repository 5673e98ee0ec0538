import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

const intervalMicros = 500;

/** V8's sampling profiler on this process. */
export class Profiler {
  private constructor(private readonly session: Session) {}

  static async start(): Promise<Profiler> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: intervalMicros });
    await session.post('Profiler.start');
    return new Profiler(session);
  }

  /** Writes what Chrome's developer tools and `summarise` read. */
  async stop(file: string): Promise<void> {
    const { profile } = await this.session.post('Profiler.stop');
    this.session.disconnect();
    await writeFile(file, JSON.stringify(profile));
  }
}
