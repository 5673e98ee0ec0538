import type { ConfigurationProblem } from '../configuration-error.js';
import type { ProcessInput } from '../process-input.js';
import type { LayerValues } from '../resolve-settings.js';
import { readCommandLine } from './command-line.js';
import { CONFIG_VARIABLE, readEnvironment } from './environment.js';
import { type GivenFile, readConfigurationFile } from './file.js';

/** What the operator set, layer by layer, and every name and file in it that makes no sense. */
export function readLayers(input: ProcessInput): {
  readonly layers: LayerValues;
  readonly problems: readonly ConfigurationProblem[];
} {
  const commandLine = readCommandLine(input.arguments);
  const environment = readEnvironment(input);
  const file = readConfigurationFile(input.workingDirectory, givenFile(input, commandLine.configPath));
  return {
    layers: { command_line: commandLine.values, environment: environment.values, file: file.values },
    problems: [...commandLine.problems, ...environment.problems, ...file.problems],
  };
}

function givenFile({ environment }: ProcessInput, configPath: string | undefined): GivenFile | undefined {
  if (configPath) return { path: configPath, givenBy: '--config' };
  const path = environment[CONFIG_VARIABLE];
  return path ? { path, givenBy: CONFIG_VARIABLE } : undefined;
}
