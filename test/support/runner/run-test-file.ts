import type * as Jest from '@jest/globals';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

type JestGlobals = typeof Jest;

/** What we use of jest-runtime 30: Jest's module system for one test file, which loads Jest's own parts, too. */
interface JestRuntime {
  requireInternalModule(file: string): unknown;
  setGlobalsForRuntime(globals: Omit<JestGlobals, 'jest'>): void;
  unstable_importModule(file: string): Promise<unknown>;
  unstable_shouldLoadAsEsm(file: string): boolean;
  readonly jestGlobals: { jestObjectFor(file: string): JestGlobals['jest'] };
}

type RunTestFile = (
  globalConfig: unknown,
  projectConfig: unknown,
  environment: unknown,
  runtime: JestRuntime,
  file: string,
  sendMessageToJest: unknown,
) => Promise<unknown>;

const require = createRequire(import.meta.url);
const { default: circus } = require('jest-circus/runner') as { default: RunTestFile };

let files = 0;
let jest: JestGlobals | undefined;

/** The functions of Jest for the test file that runs. */
export function jestOfTheFile(): JestGlobals {
  if (!jest) throw new Error('Tests are run by Jest: npm test.');
  return jest;
}

/** Jest's own test framework (`testRunner`), with Node's loader in the place of Jest's: see typescript.ts. */
const runTestFile: RunTestFile = (
  globalConfig,
  projectConfig,
  environment,
  runtime,
  file,
  sendMessageToJest,
) => {
  Reflect.deleteProperty(Error, 'prepareStackTrace'); // Node maps stacks to sources, not Jest, which has not loaded them.
  // It has the state of one file.
  runtime.requireInternalModule = (framework) => {
    Reflect.deleteProperty(globalThis, Symbol.for('EVENT_HANDLERS'));
    Reflect.deleteProperty(require.cache, framework);
    return require(framework);
  };
  runtime.setGlobalsForRuntime = (globals) => {
    jest = { ...globals, jest: runtime.jestGlobals.jestObjectFor(file) };
  };
  runtime.unstable_shouldLoadAsEsm = () => true;
  runtime.unstable_importModule = (module) => {
    files += 1;
    return import(`${pathToFileURL(module).href}?${files}`);
  };
  return circus(globalConfig, projectConfig, environment, runtime, file, sendMessageToJest);
};

export default runTestFile;
