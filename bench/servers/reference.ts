import { chatTarget, type ChatTarget } from './chat-target.js';
import type { ServerProcess } from './server-process.js';
import type { Target } from './target.js';

/** A reference program as a target: it forwards the upstream's own protocol. */
export function referenceTarget(
  name: 'floor' | 'bare Nest',
  running: { readonly server: ServerProcess; readonly origin: string; readonly model: string },
): ChatTarget & Target {
  return {
    ...chatTarget({ name, ...running, helperCpuMs: () => Promise.resolve(0) }),
    read: (name) => ({ url: `${running.origin}/${name}`, headers: {} }),
  };
}
