import 'reflect-metadata';
import { RequestMethod } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ModulesContainer } from '@nestjs/core';
import { accessKey, type Access } from '../../src/auth/access.js';

export interface Route {
  readonly method: string;
  /** As declared, such as `/api/threads/:threadId`. */
  readonly path: string;
  /** Undefined when the route declares nothing. */
  readonly access: Access | undefined;
}

/** Every route of the application as its controllers declare it, `/api/v1` left out: the same handlers once more. */
export function routeTable(app: NestExpressApplication): Route[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  const classes = new Set(controllers.map(({ metatype }) => metatype).filter((type) => type !== null));
  return [...classes].flatMap((type) => routesOf(type as new () => object));
}

function routesOf(controller: new () => object): Route[] {
  const prototype = controller.prototype as Record<string, unknown>;
  const [prefix = ''] = pathsOf(controller);
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = name === 'constructor' ? undefined : prototype[name];
    if (typeof handler !== 'function') return [];
    const method: unknown = Reflect.getMetadata('method', handler);
    if (typeof method !== 'number') return [];
    const access = Reflect.getMetadata(accessKey, handler) as Access | undefined;
    return pathsOf(handler).map((own) => {
      const path = `/${prefix}/${own}`.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
      return { method: RequestMethod[method] ?? '', path, access };
    });
  });
}

/** Of a controller the first is what it is, the second `/api/v1`. */
function pathsOf(target: object): string[] {
  const declared: unknown = Reflect.getMetadata('path', target);
  return (Array.isArray(declared) ? declared : [declared]).map((path) =>
    typeof path === 'string' ? path : '',
  );
}
