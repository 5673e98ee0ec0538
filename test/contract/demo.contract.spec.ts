import { DemoProvider } from '../../src/llm-providers/adapters/demo/demo.provider.js';
import { describeProviderContract } from './provider-contract.js';

describeProviderContract('demo', {
  makeProvider: () => new DemoProvider({ tokenDelayMs: 0 }),
  connection: () => ({
    id: 'demo',
    version: 1,
    kind: 'demo',
    name: 'Demo',
    baseUrl: 'demo:',
    timeouts: { connectMs: 1000, headersMs: 1000, idleMs: 1000 },
  }),
  request: { model: 'demo', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }] },
});
