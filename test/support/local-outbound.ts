import { Outbound } from '../../src/infrastructure/outbound/outbound.js';

/** The way out for adapters under test: to this machine, where the scripted upstreams are. */
export const localOutbound = new Outbound({ 'outbound.allowedHosts': ['127.0.0.1', 'localhost', '::1'] });
