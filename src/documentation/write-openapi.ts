import { NestFactory } from '@nestjs/core';
import { readFileSync, writeFileSync } from 'node:fs';
import { AppModule } from '../app.module.js';
import { loadConfiguration, requireBootConfiguration } from '../config/load-configuration.js';
import { describeApi } from './openapi.js';

const file = 'openapi.json';

/** Preview mode builds the graph of modules without making anything in it: no database is asked. */
const config = requireBootConfiguration(
  loadConfiguration({
    arguments: [],
    workingDirectory: '/nonexistent',
    environment: {
      DATABASE_URL: 'postgres://localhost/none',
      OIDC_ISSUER: 'http://localhost',
      OIDC_CLIENT_ID: 'none',
      PARLEY_SESSION_SECRETS: 'x'.repeat(32),
    },
  }),
);
const app = await NestFactory.create(AppModule.with(config), { preview: true, logger: false });
const text = `${JSON.stringify(describeApi(app), undefined, 2)}\n`;

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write(`${file} is not what the routes describe: run npm run openapi\n`);
  process.exitCode = 1;
}
