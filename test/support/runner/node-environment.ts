import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';

type ProjectConfig = ConstructorParameters<typeof ModernFakeTimers>[0]['config'];

/**
 * Node itself as the environment of tests (`testEnvironment`), as of the process in production: no realm of its own,
 * whose `Error` would not be that of packages. What a file changed of it is undone for the next one.
 */
export default class NodeEnvironment {
  readonly global = globalThis;
  readonly moduleMocker = new ModuleMocker(globalThis);
  readonly fakeTimersModern: ModernFakeTimers;

  private readonly console = globalThis.console;
  private readonly exit = process.exit.bind(process);

  constructor({ projectConfig }: { projectConfig: ProjectConfig }) {
    Object.assign(globalThis, projectConfig.globals); // What --globals says.
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  setup(): void {
    // There is nothing to prepare.
  }

  teardown(): void {
    this.fakeTimersModern.dispose();
    this.moduleMocker.restoreAllMocks();
    globalThis.console = this.console;
    process.exit = this.exit;
    Reflect.deleteProperty(globalThis, Symbol.for('TEST_TIMEOUT_SYMBOL')); // Where jest.setTimeout() puts it.
  }

  getVmContext(): null {
    return null;
  }

  exportConditions(): string[] {
    return ['node'];
  }
}
