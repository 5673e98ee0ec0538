import { expect, it } from '@jest/globals';
import { testConfiguration } from '../../../test/support/test-configuration.js';
import type { Notifications } from '../../infrastructure/events/notifications.js';
import { Log } from '../../infrastructure/logging/log.js';
import type { ProviderRegistry } from '../../llm-providers/provider-registry.js';
import { ConfiguredConnections } from '../configured-connections.js';
import type { ConnectionSecrets } from './connection-secrets.service.js';
import { ConnectionSweep } from './connection-sweep.js';
import type { ConnectionsRepository } from './connections.repository.js';

it('sweeps once more, however many words of a change come while it sweeps', async () => {
  let tell: () => void = () => undefined;
  const asked: ((ids: string[]) => void)[] = [];
  let retained = 0;
  const config = testConfiguration({ 'database.url': 'postgres://127.0.0.1:1/none' });
  const retain = (): number => (retained += 1);
  const notifications: Pick<Notifications, 'listen'> = { listen: (_topic, listener) => (tell = listener) };
  const repository: Pick<ConnectionsRepository, 'enabledIds'> = {
    enabledIds: () => new Promise((resolve) => asked.push(resolve)),
  };
  new ConnectionSweep(
    new ConfiguredConnections(config),
    repository as ConnectionsRepository,
    { retain } as unknown as ConnectionSecrets,
    { retain } as unknown as ProviderRegistry,
    new Log({ 'log.level': 'warn', 'log.format': 'json' }),
    notifications as Notifications,
  );
  for (let word = 0; word < 5; word++) tell();
  expect(asked).toHaveLength(1);
  asked[0]?.([]);
  while (asked.length < 2) await new Promise(setImmediate);
  asked[1]?.([]);
  await new Promise(setImmediate);
  expect([asked.length, retained]).toEqual([2, 4]);
  tell();
  expect(asked).toHaveLength(3);
});
