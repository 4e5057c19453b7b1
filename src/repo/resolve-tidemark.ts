import { registerHooks } from 'node:module';

const INDEX = new URL('../index.ts', import.meta.url).href;

let registered = false;

/**
 * Lets definition files import from 'tidemark' wherever their folder lies: the Tidemark that loads them answers,
 * so that a repository without an installation of its own works, and one with another version is not mixed in.
 */
export function resolveTidemark(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'tidemark' ? { url: INDEX, shortCircuit: true } : next(specifier, context),
  });
}

/** The names of what it answers with. */
export async function exportsOfTidemark(): Promise<readonly string[]> {
  return Object.keys((await import(/* @vite-ignore */ INDEX)) as object);
}
