import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { featureRepo } from '../../test/support/feature-repo.ts';
import { TidemarkError } from '../core/errors.ts';
import { loadRepo } from './load-repo.ts';

const PROJECT = `export const shop = project({ name: 'shop' });`;
const USER = `export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });`;

async function failureOf(dir: string): Promise<TidemarkError> {
  const failure = await loadRepo(dir).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof TidemarkError))
    throw new Error(`Expected a TidemarkError, got ${String(failure)}`);
  expect(failure.code).toBe('DEFINITION_INVALID');
  return failure;
}

test('definitions are found in all files but tests, data, live, dot folders and packages', async () => {
  const dir = await featureRepo({
    'project.ts': PROJECT,
    'models/user.ts': USER,
    'models/user.test.ts': `throw new Error('a test was imported');`,
    'data/convert.ts': `throw new Error('data was imported');`,
    'live/feed.ts': `throw new Error('live was imported');`,
    '.cache/x.ts': `throw new Error('a dot folder was imported');`,
    'node_modules/x/index.ts': `throw new Error('a package was imported');`,
    'notes.md': '# Notes',
  });
  const repo = await loadRepo(dir);
  expect(repo.project.name).toBe('shop');
  expect(repo.definitions.map(({ file, exportName }) => `${file}:${exportName}`)).toEqual([
    'models/user.ts:user',
    'project.ts:shop',
  ]);
});

test('a definition exported from two files is one, and other exports are left alone', async () => {
  const dir = await featureRepo({
    'a.ts': `${PROJECT} ${USER} export const answer = 42; export const kinds = { kind: 'entity' };`,
    'b.ts': `export { user } from './a.ts'; export function helper() {}`,
  });
  const { definitions } = await loadRepo(dir);
  expect(definitions.map(({ file, exportName }) => `${file}:${exportName}`)).toEqual([
    'a.ts:shop',
    'a.ts:user',
  ]);
});

test('the functions of on-demand views are kept by view and version', async () => {
  const dir = await featureRepo({
    'all.ts': `${PROJECT}
export const doubled = onDemandFeatureView({
  name: 'doubled', version: 2, inputs: { request: requestSource({ amount: 'float64' }) },
  features: { twice: 'float64' }, transform: ({ request }) => ({ twice: request.amount * 2 }),
});`,
  });
  const { onDemand } = await loadRepo(dir);
  expect([...onDemand.keys()]).toEqual(['doubled@v2']);
  expect(onDemand.get('doubled@v2')?.({ request: { amount: 4 } })).toEqual({ twice: 8 });
});

test('every file that cannot be imported is named with its line and reason, a shared cause once', async () => {
  const dir = await featureRepo({
    'project.ts': PROJECT,
    'broken.ts': `\n\nthrow new Error('no database');`,
    'uses-broken.ts': `import './broken.ts';`,
    'missing.ts': `import { nothing } from './nowhere.ts';\nexport const x = nothing;`,
    'syntax.ts': `export const y: number = ;`,
  });
  const { message, problems } = await failureOf(dir);
  expect(problems).toHaveLength(3);
  expect(message).toContain('3 files failed');
  expect(message).toContain('broken.ts, line 3: cannot be imported, it throws: no database');
  expect(message).toMatch(/missing\.ts.*nowhere\.ts/);
  expect(message).toMatch(/syntax\.ts/);
  expect(message).not.toMatch(/\n\s+at /);
});

test('a folder that is not there, a file, or a folder without definitions is refused with its reason', async () => {
  const dir = await featureRepo({ 'a.ts': USER, 'notes.md': '#' });
  expect((await failureOf(`${dir}/nowhere`)).message).toContain('there is no such folder');
  expect((await failureOf(`${dir}/notes.md`)).message).toContain('it is a file');
  expect((await failureOf(dir)).message).toContain('none of its files exports a project (a.ts)');
  expect((await failureOf(await featureRepo({ 'notes.md': '#' }))).message).toContain('it holds no .ts file');
  expect((await failureOf(await featureRepo({ 'a.ts': PROJECT }))).message).toContain('and nothing else');
});

test('two projects in one repository are refused, both named', async () => {
  const dir = await featureRepo({
    'a.ts': PROJECT,
    'b.ts': `export const other = project({ name: 'other' });`,
  });
  expect((await failureOf(dir)).message).toContain('exports 2: "shop" in a.ts, "other" in b.ts');
});

test('the folder of Tidemark itself is refused before any of its files runs, and left out below another', async () => {
  const tidemark = {
    'package.json': JSON.stringify({ name: 'tidemark', bin: { tidemark: 'bin/tidemark' } }),
    'bench/run.ts': `throw new Error('a program was run');`,
  };
  const { message } = await failureOf(await featureRepo(tidemark));
  expect(message).toMatch(
    /^Cannot use ".*" as a feature repository: it is the folder of Tidemark itself\. Name one in it, such as --repo feature_repo\/flights/,
  );
  expect((await failureOf(join(import.meta.dirname, '../..'))).message).toContain('Tidemark itself');

  const below = Object.entries(tidemark).map(([path, text]) => [`tidemark/${path}`, text]);
  const dir = await featureRepo({ 'a.ts': PROJECT + USER, ...Object.fromEntries(below) });
  expect((await loadRepo(dir)).definitions.map(({ file }) => file)).toEqual(['a.ts', 'a.ts']);
});

test('a script that ends the process is told like any file that cannot be imported', async () => {
  const exit = process.exit;
  const dir = await featureRepo({
    'a.ts': PROJECT + USER,
    'seed.ts': `\nprocess.exit(0);`,
    'also-later.ts': `await new Promise((resolve) => setTimeout(resolve, 1));\nprocess.exit(3);`,
  });
  const { problems } = await failureOf(dir);
  expect(problems.map(({ where }) => where)).toEqual(['also-later.ts, line 2', 'seed.ts, line 2']);
  expect(problems[1]?.message).toBe(
    'cannot be imported, it throws: it ends the process (process.exit). Keep scripts out of a feature repository, or let them run only if (import.meta.main)',
  );
  expect(process.exit).toBe(exit);
});

test('a script that ends the process is told wherever the repository lies', async () => {
  const dir = join(await featureRepo({ 'größer #1/seed.ts': `\nprocess.exit(0);` }), 'größer #1');
  // A process of its own: where tests run, whoever ends the process gets an error in any case.
  const program = `import { loadRepo } from ${JSON.stringify(new URL('load-repo.ts', import.meta.url))};
    await loadRepo(${JSON.stringify(dir)}).catch((error) => console.log(error.message));`;
  const node = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  expect((await node).stdout).toContain(
    'seed.ts, line 2: cannot be imported, it throws: it ends the process',
  );
});

test('of many files without a project the first are named', async () => {
  const files = Array.from({ length: 12 }, (_, at) => [`${String.fromCharCode(97 + at)}.ts`, 'export {};']);
  expect((await failureOf(await featureRepo(Object.fromEntries(files)))).message).toContain(
    'none of its files exports a project (a.ts, b.ts, c.ts, d.ts, e.ts, f.ts, g.ts, h.ts, i.ts, j.ts, 2 more). Name another folder with --repo, or add:',
  );
});
