import { Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from '../common/clock.js';
import { Ids, UuidV7Ids } from '../common/ids.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Seals } from './crypto/seals.js';
import { Notifications } from './events/notifications.js';
import { ErrorShapes } from './http/error-shapes.js';
import { OpenSockets } from './http/open-sockets.js';
import { Lifecycle } from './lifecycle.js';
import { Log } from './logging/log.js';
import { Outbound } from './outbound/outbound.js';

/** What every room may ask for: the time, ids, the log, the life of the process, seals, and word from other replicas. */
@Global()
@Module({
  providers: [
    { provide: Clock, useClass: SystemClock },
    { provide: Ids, useClass: UuidV7Ids },
    ErrorShapes,
    Lifecycle,
    Notifications,
    OpenSockets,
    Outbound,
    Seals,
    { provide: Log, useFactory: (config: BootConfiguration) => new Log(config), inject: [CONFIGURATION] },
  ],
  exports: [Clock, ErrorShapes, Ids, Lifecycle, Log, Notifications, OpenSockets, Outbound, Seals],
})
export class FoundationModule {}
