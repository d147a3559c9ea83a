import type { Type } from '@nestjs/common';
import { routeMetadata, type RouteSpec } from './route.js';

/** The routes of controllers, as their handlers declare them. */
export function routesOf(controllers: readonly Type[]): RouteSpec[] {
  return controllers.flatMap(({ prototype }: { prototype: Record<string, unknown> }) =>
    Object.getOwnPropertyNames(prototype).flatMap((key) => {
      const spec = key === 'constructor' ? undefined : Reflect.getMetadata(routeMetadata, prototype[key] as object);
      return spec === undefined ? [] : [spec as RouteSpec];
    }),
  );
}

/** Methods that something under /v1 answers to at this path: none = there is no such resource. */
export function methodsAt(path: string, routes: readonly RouteSpec[]): string[] {
  const parts = path.split('/');
  const matches = (route: RouteSpec): boolean => {
    const wanted = `/v1${route.path}`.split('/');
    return (
      wanted.length === parts.length && wanted.every((part, index) => part.startsWith(':') || part === parts[index])
    );
  };
  return routes.filter(matches).map(({ method }) => method);
}
