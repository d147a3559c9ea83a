import { z } from 'zod';

/** `sysexits.h` EX_CONFIG: the supervisor must not try again before somebody changed the environment. */
export const configExitCode = 78;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly issues: readonly string[]) {
    super(`configuration is not valid:\n${issues.map((issue) => `  - ${issue}`).join('\n')}`);
  }
}

/**
 * Environment -> one typed, validated, frozen object.
 * @throws ConfigError with all problems at once; it names variables and expectations, never values.
 */
export function loadConfig<T extends z.ZodObject>(schema: T, environment: NodeJS.ProcessEnv): Readonly<z.infer<T>> {
  const known = Object.keys(schema.shape);
  const given = Object.fromEntries(known.map((key) => [key, environment[key] === '' ? undefined : environment[key]]));
  const parsed = schema.safeParse(given, { reportInput: false });
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  return Object.freeze(parsed.data);
}

/**
 * `--driver model --nodes=8` as the environment that a schema reads: BERTH_DRIVER, BERTH_NODES. Flags win over
 * variables.
 * @throws ConfigError for what is no `--flag value`
 */
export function environmentWithFlags(flags: readonly string[], environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given = { ...environment };
  const rest = [...flags];
  for (let flag = rest.shift(); flag !== undefined; flag = rest.shift()) {
    const [, name, inline] = /^--([a-z][a-z-]*)(?:=(.*))?$/s.exec(flag) ?? [];
    const value = inline ?? rest.shift();
    if (name === undefined || value === undefined) throw new ConfigError([`${flag}: expected --name value`]);
    given[`BERTH_${name.replaceAll('-', '_').toUpperCase()}`] = value;
  }
  return given;
}

/** For entry files: reads flags and environment; prints every problem and ends with exit code 78. */
export function loadConfigOrExit<T extends z.ZodObject>(schema: T): Readonly<z.infer<T>> {
  try {
    return loadConfig(schema, environmentWithFlags(process.argv.slice(2), process.env));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(configExitCode);
  }
}

/** Values of the environment are text; these read them. */
export const port = z.coerce.number().int().min(0).max(65_535);
export const count = z.coerce.number().int().min(0);
export const positive = z.coerce.number().int().min(1);
export const ratio = z.coerce.number().positive();
