import { defineConfig } from 'prisma/config';

// `prisma generate`, `format` and `validate` need no schema engine, but the command line looks for one first and would
// download it. Migrations never go through it: libs/database/src/migrate.ts applies prisma/migrations and keeps the
// same ledger.
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= '/bin/true';
process.env['CHECKPOINT_DISABLE'] ??= '1';

export default defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } });
