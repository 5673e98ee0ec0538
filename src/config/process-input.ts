/** What the operator handed to the process: the only way in for configuration. */
export interface ProcessInput {
  /** Without the node binary and the script. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths in settings start here. */
  readonly workingDirectory: string;
}

/** The input of this process. */
export function readProcessInput(): ProcessInput {
  return {
    arguments: process.argv.slice(2),
    // eslint-disable-next-line no-restricted-properties -- the one place that reads the environment
    environment: { ...process.env },
    workingDirectory: process.cwd(),
  };
}
