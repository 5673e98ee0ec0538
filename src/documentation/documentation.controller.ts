import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import { ApiExcludeController, type OpenAPIObject } from '@nestjs/swagger';
import type { Response } from 'express';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Public, RequiresUnless } from '../auth/access.js';
import { DomainError } from '../common/domain-error.js';
import { ApiDescription } from './api-description.js';

const assets = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));
const served = new Set(['swagger-ui.css', 'swagger-ui-bundle.js']);

const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Parley API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="docs"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
</html>
`;
const welcomePage = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Parley</title></head>
<body>
<h1>Parley</h1>
<p>This is the backend. <a href="/app/login">Log in</a>, <a href="/api/user">see who you are</a>, or <a href="/docs">browse the API</a>.</p>
</body>
</html>
`;
const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs' });\n`;
/** As everywhere without inline scripts and styles, but with our own; Swagger UI draws its icons as data URLs. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The native API, described and browsable: for admins, or for everybody where `docs.public` says so. */
@ApiExcludeController()
@Controller()
export class DocumentationController {
  constructor(private readonly description: ApiDescription) {}

  /** Where a login without a destination ends. */
  @Get()
  @Public()
  @Header('Content-Type', 'text/html; charset=utf-8')
  welcome(): string {
    return welcomePage;
  }

  @Get('openapi.json')
  @RequiresUnless('admin', 'docs.public')
  document(): OpenAPIObject {
    return this.description.document;
  }

  @Get('docs')
  @RequiresUnless('admin', 'docs.public')
  @Header('Content-Security-Policy', policy)
  @Header('Content-Type', 'text/html; charset=utf-8')
  browse(): string {
    return page;
  }

  @Get('docs/start.js')
  @RequiresUnless('admin', 'docs.public')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  start(): string {
    return start;
  }

  @Get('docs/:asset')
  @RequiresUnless('admin', 'docs.public')
  asset(@Param('asset') asset: string, @Res() response: Response): void {
    if (!served.has(asset)) throw new DomainError('NOT_FOUND');
    response.sendFile(asset, { root: assets });
  }
}
