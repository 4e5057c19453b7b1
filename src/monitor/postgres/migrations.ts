import { fileURLToPath } from 'node:url';
import type { MigrationSet } from '../../registry/postgres/migrate.ts';

export const monitorMigrations: MigrationSet = {
  name: 'monitor',
  folder: fileURLToPath(new URL('./migrations/', import.meta.url)),
};
