import 'reflect-metadata';
import { RequestMethod } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ModulesContainer } from '@nestjs/core';
import { accessKey, type Access } from '../../src/auth/access.js';

export interface Route {
  readonly method: string;
  /** As declared, such as `/api/threads/:threadId`; of several paths the first. */
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
  const prefix = firstOf(Reflect.getMetadata('path', controller));
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = name === 'constructor' ? undefined : prototype[name];
    if (typeof handler !== 'function') return [];
    const method: unknown = Reflect.getMetadata('method', handler);
    if (typeof method !== 'number') return [];
    const path = `/${prefix}/${firstOf(Reflect.getMetadata('path', handler))}`
      .replaceAll(/\/+/g, '/')
      .replace(/(?<=.)\/$/, '');
    const access = Reflect.getMetadata(accessKey, handler) as Access | undefined;
    return [{ method: RequestMethod[method] ?? '', path, access }];
  });
}

function firstOf(path: unknown): string {
  const first: unknown = Array.isArray(path) ? path[0] : path;
  return typeof first === 'string' ? first : '';
}
