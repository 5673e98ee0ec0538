/** Jest collects, runs and reports; Node loads, as in production, and swc only strips types (test/support/runner). */
export default {
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  // Slow, with processes that are killed: npm run test:reliability.
  testPathIgnorePatterns: ['/node_modules/', '/test/reliability/'],
  transform: {},
  testRunner: '<rootDir>/test/support/runner/run-test-file.ts',
  testEnvironment: '<rootDir>/test/support/runner/node-environment.ts',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  maxWorkers: 2,
  testTimeout: 20_000,
};
