import * as fc from 'fast-check';

type Json = Record<string, unknown>;

/** JSON texts that no field was made for. */
export const hostileValues: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '1e400',
  '-0',
  '9007199254740993',
  '2147483648',
  '1.5',
  '""',
  '"a\\u0000b"',
  '[]',
  '[[[]]]',
  '{}',
  '"a\\r\\nX-Injected: 1"',
  '"\\ud800"',
  '"\\u202Eevil"',
  '"аpple"',
  '"../../etc/passwd"',
  '"\'; DROP TABLE instance; --"',
  JSON.stringify('x'.repeat(10_000)),
  '{"__proto__":1}',
  '{"constructor":{"prototype":{}}}',
  '{"a":{"b":{"c":1}}}',
  JSON.stringify(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 'v']))),
];

/** Texts for paths and queries. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '0',
  '-1',
  '1e9',
  'NaN',
  'null',
  'true',
  '\0',
  'a\r\nb',
  '\u202Eevil',
  'аpple',
  '../..',
  '%00',
  "' OR 1=1 --",
  'x'.repeat(5_000),
  '{}',
  '[]',
  '2026-13-45',
  '00000000-0000-0000-0000-000000000000',
  '999999999999999999999',
  ',,,',
  '=',
  '!=',
  'a==b',
  'bm90LWEtY3Vyc29y',
  Buffer.from('["x","y"]').toString('base64url'),
  Buffer.from('["\\u0000","3f2b8a52-4d0c-4f6e-9b7a-0123456789ab"]').toString('base64url'),
  Buffer.from('["9999-99-99T99:99:99.999Z","3f2b8a52-4d0c-4f6e-9b7a-0123456789ab"]').toString('base64url'),
  Buffer.from('[1e300,"3f2b8a52-4d0c-4f6e-9b7a-0123456789ab"]').toString('base64url'),
];

/** Values that fit a JSON Schema as zod writes it, as far as patterns go; others nearly fit. */
export function valuesOf(schema: Json): fc.Arbitrary<unknown> {
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  if ('const' in schema) return fc.constant(schema['const']);
  const variants = (schema['anyOf'] ?? schema['oneOf']) as Json[] | undefined;
  if (variants) return fc.oneof(...variants.map(valuesOf));
  switch (schema['type']) {
    case 'object':
      return objectsOf(schema);
    case 'array':
      return fc.array(valuesOf(schema['items'] as Json), { minLength: Number(schema['minItems'] ?? 0), maxLength: 4 });
    case 'integer':
    case 'number':
      return fc.integer({
        min: Number(schema['minimum'] ?? 0),
        max: Math.min(Number(schema['maximum'] ?? 1000), 2 ** 31 - 1),
      });
    case 'boolean':
      return fc.boolean();
    default:
      return textsOf(schema);
  }
}

function objectsOf(schema: Json): fc.Arbitrary<unknown> {
  const { properties, additionalProperties, propertyNames } = schema as Record<string, Json | undefined>;
  if (!properties) {
    const keys = propertyNames ? textsOf(propertyNames) : fc.string({ maxLength: 10 });
    return fc.dictionary(keys, additionalProperties ? valuesOf(additionalProperties) : fc.string(), { maxKeys: 4 });
  }
  const fields = Object.entries(properties).map(([name, property]) => [name, valuesOf(property as Json)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: (schema['required'] ?? []) as string[] });
}

function textsOf({ pattern, maxLength }: Json): fc.Arbitrary<string> {
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern));
  return fc.string({ minLength: 1, maxLength: Math.min(Number(maxLength ?? 40), 40) });
}

/** The same value with one place spoilt: a field gone, added, of another type, or nested where none was. */
export function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return fc.anything({ maxDepth: 2 }).filter(isJson);
  const entries = Object.entries(value);
  const without = fc
    .nat({ max: Math.max(0, entries.length - 1) })
    .map((at) => Object.fromEntries(entries.filter((_, index) => index !== at)));
  const added = fc.string().map((key) => ({ ...value, [key]: 1 }));
  const replaced = fc
    .tuple(fc.nat({ max: Math.max(0, entries.length - 1) }), fc.jsonValue({ maxDepth: 3 }))
    .map(([at, other]) => Object.fromEntries(entries.map(([key, old], index) => [key, index === at ? other : old])));
  return fc.oneof(without, added, replaced, fc.jsonValue({ maxDepth: 2 }));
}

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}
