import { pathToFileURL } from 'node:url';

/**
 * Runs `work`, in which code of a feature repository may not end the process: a script among the definitions would end
 * the command that imports it, without a word. It gets an error instead; everybody else may.
 */
export async function withoutExit<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const exit = process.exit;
  // As a stack names its files: where a path holds a space, the two differ.
  const places = [dir, pathToFileURL(dir).href];
  process.exit = (code) => {
    const error = new Error(
      `it ends the process (process.exit). Keep scripts out of a feature repository, or let them run only if (import.meta.main)`,
    );
    if (places.some((place) => error.stack?.includes(place))) throw error;
    return exit(code);
  };
  try {
    return await work();
  } finally {
    process.exit = exit;
  }
}
