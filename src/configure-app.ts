import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Server } from 'node:http';
import { Clock } from './common/clock.js';
import { publicUrl } from './config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from './config/registry.js';
import { crossOrigin } from './infrastructure/http/cross-origin.js';
import { ApiDescription } from './documentation/api-description.js';
import { arrivingWithin } from './infrastructure/http/arrival.js';
import { ErrorShapes } from './infrastructure/http/error-shapes.js';
import { ErrorFilter } from './infrastructure/http/error.filter.js';
import { endingConnections } from './infrastructure/http/ending-connections.js';
import { inTurn } from './infrastructure/http/in-turn.js';
import { OpenSockets } from './infrastructure/http/open-sockets.js';
import { requestContext } from './infrastructure/http/request-context.js';
import { securityHeaders } from './infrastructure/http/security-headers.js';
import { StrictValidationPipe } from './infrastructure/http/validation.pipe.js';
import { Lifecycle } from './infrastructure/lifecycle.js';
import { Log } from './infrastructure/logging/log.js';
import { requestLog } from './infrastructure/logging/request-log.js';

/** Everything about HTTP that is the same for the process and for tests. Create the application with `bodyParser: false`. */
export function configureApp(app: NestExpressApplication): void {
  const config = app.get<BootConfiguration>(CONFIGURATION);
  const clock = app.get(Clock);
  const log = app.get(Log);
  const server: Server = app.getHttpServer();
  setTimeouts(server);
  app.get(OpenSockets).watch(server);
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  // A number: whoever is further away than the trusted proxies can write into X-Forwarded-For what they like.
  app.set('trust proxy', config['server.trustedProxyHops']);
  app.use(
    inTurn(
      requestContext,
      arrivingWithin(arrivalMs),
      requestLog(log, clock),
      endingConnections(app.get(Lifecycle)),
      pageProtection(config),
      uncached,
    ),
  );
  const origins = config['server.corsOrigins'];
  if (origins.length > 0) app.enableCors(crossOrigin(origins));
  app.get(ApiDescription).describe(app);
  app.useGlobalPipes(new StrictValidationPipe());
  app.useGlobalFilters(new ErrorFilter(clock, log, app.get(ErrorShapes)));
}

/** A request must have arrived within a minute, an answer may take its time. */
const arrivalMs = 60_000;
/** Of the routes that take longer, whatever they say. */
const longestArrivalMs = 60 * 60_000;

/** Of sockets, in milliseconds. */
function setTimeouts(server: Server): void {
  server.headersTimeout = arrivalMs;
  server.requestTimeout = longestArrivalMs;
  // Longer than load balancers keep theirs (60 s is common): else they would reuse a connection that we are closing.
  server.keepAliveTimeout = 65_000;
}

/** Text is data here: no page of ours runs a script or is framed (security.md, browser). */
function pageProtection(config: BootConfiguration): RequestHandler {
  return securityHeaders({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    frameguard: { action: 'deny' },
    hsts: publicUrl(config).protocol === 'https:',
  });
}

/** Answers of the API are somebody's own, and true only now. */
function uncached({ url }: Request, response: Response, next: NextFunction): void {
  if (/^\/api(?:\/|$)/i.test(url)) response.setHeader('Cache-Control', 'no-store');
  next();
}
