/** Figures as people read them. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
export const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;
export const watts = (value: number): string => value.toFixed(1);
export const cores = (cpuMillis: number): string => (cpuMillis / 1000).toFixed(2);

export function mib(amount: number): string {
  return amount >= 10_240 ? `${(amount / 1024).toFixed(1)} GiB` : `${amount} MiB`;
}

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
