/** SQL for a time as the API shows it: ISO 8601, UTC, milliseconds. */
export function iso(time: string): string {
  return `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** How people point at a thing: by its id, when the text has the form of one, or by its name. */
export interface Reference {
  readonly id: string | null;
  readonly name: string;
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function referenceOf(text: string): Reference {
  return { id: uuidForm.test(text) ? text : null, name: text };
}

/** The constraint a statement broke, when that is why it failed. */
export function brokenConstraint(error: unknown): string | undefined {
  const { code, constraint } = error as { code?: unknown; constraint?: string };
  return typeof code === 'string' && code.startsWith('23') ? constraint : undefined;
}
