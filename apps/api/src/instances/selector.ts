import type { LabelSelector } from '@berth/database/instance.repository.js';

/** `env=prod,tier!=db,critical` taken apart. The contract has checked its form. */
export function selectorOf(text: string | undefined): LabelSelector {
  const [equal, unequal, present]: [Record<string, string>, Record<string, string>[], string[]] = [{}, [], []];
  for (const term of text?.split(',') ?? []) {
    const [key = '', ...rest] = term.split('=');
    const value = rest.join('=');
    if (rest.length === 0) present.push(key);
    else if (key.endsWith('!')) unequal.push({ [key.slice(0, -1)]: value });
    else equal[key] = value;
  }
  return { equal, unequal, present };
}
