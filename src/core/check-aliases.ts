import { type Problem, TidemarkError } from './errors.ts';
import type { SelectedFeature } from './expand-selection.ts';
import { didYouMean } from './nearest.ts';
import type { ViewAlias } from './view-alias.ts';

/** REQUEST_INVALID, with all that is wrong, when an alias is of no batch view that is read, or of a key it lacks. */
export function checkAliases(selected: readonly SelectedFeature[], aliases: readonly ViewAlias[]): void {
  const problems = aliases.flatMap((alias) =>
    // The list of them has a name of its own wherever one can be given: in a body, a definition, a command.
    aliasProblems(selected, alias).map(
      (message): Problem => ({ where: `alias "${alias.prefix}" of view "${alias.view}"`, message }),
    ),
  );
  if (problems.length === 0) return;
  const message = problems.map((problem) => problem.message).join('\n');
  throw new TidemarkError('REQUEST_INVALID', message, { problems });
}

function aliasProblems(
  selected: readonly SelectedFeature[],
  { view: name, keys }: ViewAlias,
): readonly string[] {
  const views = selected.flatMap(({ view }) => (view.kind === 'batch_view' ? [view] : []));
  const view = views.find((one) => one.name === name);
  if (view === undefined) {
    return [
      `Cannot read view "${name}" under an alias: no feature of a batch view of that name is asked for.` +
        didYouMean(name, new Set(views.map((one) => one.name))),
    ];
  }
  const own = view.joinKeys.map((key) => key.name);
  return Object.keys(keys)
    .filter((key) => !own.includes(key))
    .map(
      (key) =>
        `Cannot read view "${name}" under an alias of "${key}": ` +
        (own.length === 0
          ? 'it has no join keys, and can be given a prefix only.'
          : `its join keys are ${own.map((one) => `"${one}"`).join(', ')}.${didYouMean(key, own)}`),
    );
}
