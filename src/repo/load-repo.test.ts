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
