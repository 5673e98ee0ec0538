import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { version } from '../version.js';

const explicitVersion = '/api/v1/';

/** The native API. `/api/v1` is left out: it is the same routes once more. */
export function describeApi(app: INestApplication): OpenAPIObject {
  const info = new DocumentBuilder()
    .setTitle('Parley')
    .setDescription('The native API. Every path is served under /api and, the same, under /api/v1.')
    .setVersion(version)
    .addCookieAuth('parley_session')
    .build();
  const document = SwaggerModule.createDocument(app, info, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  const paths = Object.entries(document.paths)
    .filter(([path]) => !path.startsWith(explicitVersion))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  for (const operation of paths.flatMap(([, item]) => Object.values(item) as { operationId?: string }[])) {
    // Numbered by Swagger, because each route has a second path.
    if (operation.operationId !== undefined) {
      operation.operationId = operation.operationId.replace(/\[\d+\]$/, '');
    }
  }
  return { ...document, paths: Object.fromEntries(paths) };
}
