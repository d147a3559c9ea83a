/** Units a quantity may be written in, and how many of the base unit each is. The first is named in messages. */
export type Units = Readonly<Record<string, number>>;

export const units = {
  cpuMillis: { vcpu: 1000, m: 1, MIPS: 1 },
  memoryMib: { GiB: 1024, MiB: 1, TiB: 1024 ** 2, GB: 1e9 / 2 ** 20, MB: 1e6 / 2 ** 20 },
  diskGib: { GiB: 1, TiB: 1024, GB: 1e9 / 2 ** 30, TB: 1e12 / 2 ** 30 },
  watts: { W: 1, kW: 1000 },
  seconds: { s: 1, min: 60, h: 3600 },
  years: { years: 1, year: 1 },
  eur: { EUR: 1, USD: 1 },
  kgCo2: { kg: 1, t: 1000 },
  perKwh: { 'EUR/kWh': 1, 'USD/kWh': 1, 'ct/kWh': 0.01 },
  perHour: { 'EUR/h': 1, 'USD/h': 1 },
  gramsPerKwh: { 'g/kWh': 1, 'kg/kWh': 1000 },
} as const satisfies Record<string, Units>;

/** `64 GiB` in base units; undefined when it is no number of 0 or more with one of the units. */
export function quantity(text: string, allowed: Units): number | undefined {
  const [, digits, unit] = /^\s*([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*(\S+)\s*$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined || !Object.hasOwn(allowed, unit)) return undefined;
  return Number(digits) * allowed[unit]!;
}

export function expectedQuantity(allowed: Units): string {
  const [first, ...others] = Object.keys(allowed);
  return `a number with a unit, such as "1 ${first}"${others.length > 0 ? ` (or ${others.join(', ')})` : ''}`;
}
