import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { askRealHelp } from './cli-usage.ts';
import { codeBlocks, documents, ROOT } from './code-blocks.ts';
import { routesOnly } from './http-usage.ts';
import { shellProblems } from './shell-check.ts';
import { shellCommands } from './shell-commands.ts';
import { typeScriptProblems } from './type-check.ts';

/** The documents tell no more than what is true: whatever code they show is compiled or held against the program. */
const all = documents();
const blocks = all.flatMap(codeBlocks);
const inLanguage = (...languages: readonly string[]) =>
  blocks.filter(({ language }) => languages.includes(language));

test.each(['README.md', 'ARCHITECTURE.md'])('%s is there', (path) => {
  expect(all.map((document) => document.path)).toContain(path);
});

test('every block of code says in which of the checked languages it is', () => {
  const others = blocks.filter(({ language }) => !['ts', 'sh', 'bash', 'text'].includes(language));
  expect(
    others.map(({ document, line, language }) =>
      language === ''
        ? `${document}:${line}: a block without a language; say \`text\` when it is nothing to run`
        : `${document}:${line}: no check knows the language "${language}"; ts, sh, bash and text are known`,
    ),
  ).toEqual([]);
});

test('every block of TypeScript compiles against the package, or is a part of the file that it names', async () => {
  expect(await typeScriptProblems(inLanguage('ts'))).toEqual([]);
});

test('every command names scripts, subcommands, options, routes, variables and files that exist', {
  // One process for each command that documents name.
  timeout: 120_000,
}, async () => {
  const check = { askHelp: askRealHelp(), app: routesOnly() };
  const problems: string[] = [];
  for (const command of inLanguage('sh', 'bash').flatMap(shellCommands)) {
    problems.push(...(await shellProblems(command, check)));
  }
  expect(problems).toEqual([]);
});

test('every link inside the repository leads to a file that is there', () => {
  const broken = all.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^()\s#]+)(?:#[^()\s]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('README.md tells every variable that the program is configured by', () => {
  const config = readFileSync(join(ROOT, 'src/config.ts'), 'utf8');
  const variables = [...config.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name = '']) => name);
  const text = all.find(({ path }) => path === 'README.md')?.text ?? '';
  expect(variables.length).toBeGreaterThan(15);
  expect(variables.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});
