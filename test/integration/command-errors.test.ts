import { expect, test } from 'vitest';
import { tidemark } from '../support/command-line.ts';
import { featureRepo } from '../support/feature-repo.ts';

/** What a script sees of a command that fails. */
test('with --json an error is one JSON object on standard error, and exit codes stay', async () => {
  const repo = await featureRepo({ 'a.ts': `export const broken = project({ name: '1' }).nothing.here;` });
  const failed = await tidemark(['plan', '--json', '--repo', repo], { env: {} });
  expect(failed).toMatchObject({ code: 1, stdout: '' });
  expect(JSON.parse(failed.stderr)).toEqual({
    error: { code: 'DEFINITION_INVALID', message: expect.stringContaining('a.ts') },
  });
  const wrong = await tidemark(['plan', '--json', '--jso'], { env: {} });
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(JSON.parse(wrong.stderr)).toEqual({
    error: { code: 'REQUEST_INVALID', message: expect.stringContaining("unknown option '--jso'") },
  });
  const text = await tidemark(['plan', '--repo', repo], { env: {} });
  expect(text.stderr).toMatch(/^DEFINITION_INVALID: /);
});

test.runIf(process.platform === 'linux')('a home that cannot be made is one clear error', async () => {
  const repo = await featureRepo({
    'a.ts': `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });`,
  });
  const ended = await tidemark(['plan', '--repo', repo], { env: { TIDEMARK_HOME: '/proc/tidemark/home' } });
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toMatch(
    /^STACK_UNAVAILABLE: Cannot make the folder \/proc\/tidemark\/home .*TIDEMARK_HOME/,
  );
});

// In a process of its own: here modules are linked by the test runner.
test('what a definition file imports and is not there is told with what may be meant', async () => {
  const repo = await featureRepo({
    'kinds.ts': 'export type Kind = number;',
    'labels.ts': `import { Kind } from './kinds.ts';\nexport const kind: Kind = 1;`,
    'views.ts': `import { batchFeatureVeiw } from 'tidemark';\nexport const spend = batchFeatureVeiw;`,
  });
  const { code, stderr } = await tidemark(['plan', '--repo', repo], { env: {} });
  expect(code).toBe(1);
  const missing = 'which exports no value of that name (types take "import type").';
  expect(stderr).toContain(`imports "Kind" from './kinds.ts', ${missing}\n`);
  expect(stderr).toContain(
    `imports "batchFeatureVeiw" from 'tidemark', ${missing} Did you mean "batchFeatureView"?\n`,
  );
});
