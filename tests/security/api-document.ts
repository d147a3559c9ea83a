import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { ApiWorld } from '../api-world.js';

type Json = Record<string, unknown>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Json;
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly role: 'anyone' | 'viewer' | 'operator' | 'admin';
  readonly parameters: readonly Parameter[];
  readonly body: Json | undefined;
  /** Schema of each answer, by status and media type. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, ValidateFunction>>>>;
}

interface RawOperation {
  readonly 'x-role': Operation['role'];
  readonly parameters: Parameter[];
  readonly requestBody?: { content: Record<string, { schema: Json }> };
  readonly responses: Record<string, { content: Record<string, { schema: Json }> }>;
}

/** Every operation of the document that the API serves: what the tests walk over. */
export async function operationsOf(world: ApiWorld): Promise<Operation[]> {
  const { body } = await world.call<{ paths: Record<string, Record<string, RawOperation>>; components: Json }>(
    'GET',
    '/v1/openapi.json',
    { token: null },
  );
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const compile = (schema: Json): ValidateFunction => ajv.compile({ ...schema, components: body.components });
  return Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, raw]) => ({
      method: method.toUpperCase(),
      path,
      role: raw['x-role'],
      parameters: raw.parameters,
      body: raw.requestBody?.content['application/json']?.schema,
      answers: Object.fromEntries(
        Object.entries(raw.responses).map(([status, { content }]) => [
          status,
          Object.fromEntries(Object.entries(content).map(([type, { schema }]) => [type, compile(schema)])),
        ]),
      ),
    })),
  );
}

export const title = ({ method, path }: Operation): string => `${method} ${path}`;

/** The path with every parameter filled in. */
export function pathWith(operation: Operation, valueOf: (parameter: string) => string): string {
  return operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(valueOf(name)));
}

/** Why an answer is not what the document promises; undefined when it is. */
export function breach(
  operation: Operation,
  answer: { status: number; headers: Headers; body: unknown },
): string | undefined {
  const type = answer.headers.get('content-type')?.split(';', 1)[0] ?? '';
  const declared = operation.answers[answer.status];
  if (!declared) return `${answer.status} is not declared`;
  const validate = declared[type];
  if (!validate) return `${answer.status} comes as ${type}`;
  if (/json/.test(type) && !validate(answer.body)) return `${answer.status}: ${JSON.stringify(validate.errors)}`;
  return undefined;
}
