import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { SystemClock } from './common/clock.js';
import type { BootConfiguration } from './config/registry.js';
import { configureApp } from './configure-app.js';
import { ParleyAdapter } from './infrastructure/http/parley-adapter.js';
import { Log, NestLog } from './infrastructure/logging/log.js';

/** The application, wired and configured but not listening. */
export async function createApp(config: BootConfiguration): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.with(config),
    new ParleyAdapter(new SystemClock()),
    {
      bodyParser: false,
      forceCloseConnections: true,
      abortOnError: false,
      logger: new NestLog(new Log(config)),
    },
  );
  configureApp(app);
  return app;
}
