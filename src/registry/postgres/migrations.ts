import { fileURLToPath } from 'node:url';
import type { MigrationSet } from './migrate.ts';

export const registryMigrations: MigrationSet = {
  name: 'registry',
  folder: fileURLToPath(new URL('./migrations/', import.meta.url)),
};
