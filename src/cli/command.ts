import type { BootConfiguration } from '../config/registry.js';

/**
 * One command of the command line.
 * @param words what stands after the command, before the options
 * @returns lines for whoever called it; a failure that is no error sets `process.exitCode`
 */
export type Command = (config: BootConfiguration, words: readonly string[]) => Promise<readonly string[]>;

/** The commands of one area, `parley <area> <command>`. */
export interface CommandArea {
  /** What there is, a line for each command. */
  readonly usage: string;
  readonly commands: ReadonlyMap<string, Command>;
}
