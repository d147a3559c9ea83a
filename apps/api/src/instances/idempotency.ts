import { createHash } from 'node:crypto';
import type { IdempotentRequest } from '@berth/database/create-request.js';

/** The key a client gave, and the hash of what it asked for: of validated fields, whatever their order. */
export function idempotencyOf(key: string | undefined, asked: object): IdempotentRequest | null {
  if (key === undefined) return null;
  return { key, requestHash: createHash('sha256').update(JSON.stringify(asked, sortedKeys)).digest() };
}

function sortedKeys(_: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
