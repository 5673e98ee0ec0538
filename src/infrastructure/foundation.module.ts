import { Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from '../common/clock.js';
import { Ids, UuidV7Ids } from '../common/ids.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { OpenSockets } from './http/open-sockets.js';
import { Lifecycle } from './lifecycle.js';
import { Log } from './logging/log.js';

/** What every room may ask for: the time, new ids, the log, the state of the process and its sockets. */
@Global()
@Module({
  providers: [
    { provide: Clock, useClass: SystemClock },
    { provide: Ids, useClass: UuidV7Ids },
    Lifecycle,
    OpenSockets,
    { provide: Log, useFactory: (config: BootConfiguration) => new Log(config), inject: [CONFIGURATION] },
  ],
  exports: [Clock, Ids, Lifecycle, Log, OpenSockets],
})
export class FoundationModule {}
