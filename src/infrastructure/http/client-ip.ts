import type { Request } from 'express';
import { isIP } from 'node:net';

/** As some proxies write it into X-Forwarded-For, with the port of the client. */
const withPort = /^\[?([0-9a-f.:]+?)\]?:\d{1,5}$/i;

/**
 * The address of the client: of the socket, or what the last trusted proxy says (`server.trustedProxyHops`), without a port.
 * What a proxy passes on that is no address counts as the proxy's own.
 */
export function clientIp(request: Request): string | undefined {
  const { ip } = request;
  if (ip === undefined || isIP(ip) !== 0) return ip;
  const address = withPort.exec(ip)?.[1] ?? '';
  return isIP(address) === 0 ? request.socket.remoteAddress : address;
}
