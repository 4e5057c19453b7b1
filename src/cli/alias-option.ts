import { TidemarkError } from '../core/errors.ts';
import type { ViewAlias } from '../core/view-alias.ts';

/** `view:prefix_:key=column,key=column`, as `--alias` takes it; given once per reading of the view. */
export function aliasesOf(texts: readonly string[]): readonly ViewAlias[] {
  return texts.map((text) => {
    const [, view, prefix, pairs] =
      /^([a-z_][a-z0-9_]*):([A-Za-z_][A-Za-z0-9_]*)(?::(.+))?$/.exec(text) ?? [];
    const keys = (pairs?.split(',') ?? []).map((pair) => /^([^=]+)=(.+)$/.exec(pair)?.slice(1) ?? []);
    if (view === undefined || prefix === undefined || keys.some(({ length }) => length === 0)) {
      throw new TidemarkError(
        'REQUEST_INVALID',
        `Cannot read --alias "${text}": write view:prefix_:key=column, such as airport_weather:origin_:airport=origin; ` +
          'several keys are parted by commas, and without keys the view is read by its own.',
      );
    }
    const [twice] = keys.map(([key]) => key).filter((key, at, all) => all.indexOf(key) !== at);
    if (twice !== undefined) {
      throw new TidemarkError('REQUEST_INVALID', `Cannot read --alias "${text}": it names "${twice}" twice.`);
    }
    return { view, prefix, keys: Object.fromEntries(keys) };
  });
}
