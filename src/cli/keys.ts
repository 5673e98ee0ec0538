import { createApp } from '../create-app.js';
import { SecretRotation } from '../secrets/secret-rotation.service.js';
import type { Command, CommandArea } from './command.js';

const rotate: Command = async (config) => {
  const app = await createApp(config);
  try {
    const { keyId, rewrapped, unreadable } = await app.get(SecretRotation).run();
    if (unreadable.size > 0) process.exitCode = 1;
    return [
      `${rewrapped} secrets were wrapped anew; ${keyId} wraps now.`,
      ...[...unreadable].map(([key, count]) => `${count} secrets cannot be read: ${key} did not open them.`),
    ];
  } finally {
    await app.close();
  }
};

export const keys: CommandArea = {
  usage: `keys rotate
  rotate    wrap the keys of all stored secrets by the current key; fail when one cannot be read
`,
  commands: new Map(Object.entries({ rotate })),
};
