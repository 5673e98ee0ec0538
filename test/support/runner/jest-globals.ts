import { jestOfTheFile } from './run-test-file.js';

/** What `@jest/globals` is to the test file that runs, and to its support. */
export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } = jestOfTheFile();
