import { fileURLToPath } from 'node:url';
import type { MigrationSet } from '../../registry/postgres/migrate.ts';

/** After the ledger's: late rows are found by what the ledger has read. */
export const pushMigrations: MigrationSet = {
  name: 'push',
  folder: fileURLToPath(new URL('./migrations/', import.meta.url)),
};
