import type { RequestHandler } from 'express';
import type { Lifecycle } from '../lifecycle.js';

/** While draining, each connection ends with the answer that is on it, so that the next request goes to another replica. */
export function endingConnections(lifecycle: Lifecycle): RequestHandler {
  return (_request, response, next): void => {
    if (lifecycle.isDraining) response.setHeader('Connection', 'close');
    next();
  };
}
