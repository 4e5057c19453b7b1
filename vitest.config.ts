import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,workflows,activities,feature_repo,bench,test}/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // What is waited for comes several times later while other tests and their servers keep the machine busy. Limits
    // are for what hangs; a test that is about time says its own.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    // A closing worker or bundle may take a moment on a small machine.
    teardownTimeout: 30_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/report.json' },
    // What a person has set for their own Tidemark is not meant for the tests (see test/support/global-setup.ts).
    env: { TIDEMARK_HOME: '', TIDEMARK_OFFLINE: '', TIDEMARK_ALERT_WEBHOOK: '', TIDEMARK_LOG: 'silent' },
  },
});
