import { Injectable, type INestApplication } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { describeApi } from './openapi.js';

/** The OpenAPI document of the running application, made when it is first asked for. */
@Injectable()
export class ApiDescription {
  private app: INestApplication | undefined;
  private made: OpenAPIObject | undefined;

  /** The application whose routes are described: known only once it is made. */
  describe(app: INestApplication): void {
    this.app = app;
  }

  get document(): OpenAPIObject {
    if (this.app === undefined) throw new Error('No application to describe');
    return (this.made ??= describeApi(this.app));
  }
}
