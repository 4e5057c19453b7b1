import { fileURLToPath } from 'node:url';
import type { MigrationSet } from '../../registry/postgres/migrate.ts';

export const ledgerMigrations: MigrationSet = {
  name: 'ledger',
  folder: fileURLToPath(new URL('./migrations/', import.meta.url)),
};
