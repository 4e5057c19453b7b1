import { didYouMean } from '../core/nearest.ts';

/** A route as it was registered: `/runs/*`, `/feature-services/:name`. */
export interface KnownRoute {
  readonly method: string;
  readonly pattern: string;
}

/** What a path without an answer is told: how else it can be asked, or what else there is. */
export interface Misrouted {
  /** The methods that the path takes; empty when there is no such path. */
  readonly allowed: readonly string[];
  /** A sentence with a space before it. */
  readonly hint: string;
}

/** `path` comes without its query. */
export function misrouted(path: string, routes: readonly KnownRoute[]): Misrouted {
  const here = routes.filter(({ pattern }) => fits(path, pattern));
  const allowed = [...new Set(here.map(({ method }) => method))].toSorted();
  if (allowed.length > 0) return { allowed, hint: '' };
  // HEAD comes with every GET.
  const shown = routes.filter(({ method }) => method !== 'HEAD');
  const near = didYouMean(
    path.slice(0, 100),
    shown.map(({ pattern }) => pattern),
  );
  const all = shown.map(({ method, pattern }) => `${method} ${pattern}`).toSorted();
  return { allowed, hint: near || ` It has ${all.join(', ')}.` };
}

function fits(path: string, pattern: string): boolean {
  const parts = path.split('/');
  const wanted = pattern.split('/');
  const isOpen = wanted.at(-1) === '*';
  if (isOpen ? parts.length < wanted.length : parts.length !== wanted.length) return false;
  return wanted.every((part, at) => part === '*' || part.startsWith(':') || part === parts[at]);
}
