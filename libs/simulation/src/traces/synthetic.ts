import type { InstanceTrace, Workload } from '../demand/workload.js';
import { seededRandom, type Random } from '../random.js';
import { planetlabWorkload } from './planetlab.js';

/** What there is, and what each stands for. */
export const SYNTHETIC = {
  planetlab: 'a day of 1,052 instances shaped as PlanetLab 20110303: level and noise of each drawn from that day',
  office: '400 instances with working hours, a week',
  bursts: '300 instances that are idle but for short bursts, a day',
} as const;

export type SyntheticName = keyof typeof SYNTHETIC;

const SAMPLE_S = 300;

/** The same name and seed give the same workload. */
export function synthetic(name: SyntheticName, seed: number): Workload {
  const random = seededRandom(seed).fork(name);
  switch (name) {
    case 'planetlab':
      return { ...planetlabWorkload(label(name, seed), planetlabRows(random)), name: label(name, seed) };
    case 'office':
      return plain(label(name, seed), 7 * 86_400, 400, random, officeShare);
    case 'bursts':
      return plain(label(name, seed), 86_400, 300, random, burstShare);
    default:
      return name satisfies never;
  }
}

function label(name: string, seed: number): string {
  return `synthetic:${name}?seed=${seed}`;
}

/**
 * Fitted to PlanetLab 20110303: mean utilization is lognormal with median 8 % and a long tail (11.4 % over all), the
 * deviation is proportional to sqrt(mean (1 - mean)), and readings five minutes apart are all but independent.
 */
function planetlabRows(random: Random): { id: string; shares: Float32Array }[] {
  return Array.from({ length: 1052 }, (_, i) => {
    const level = Math.min(0.9, 0.08 * Math.exp(0.85 * random.normal()));
    const noise = 0.25 * Math.exp(0.5 * random.normal());
    let drift = 0;
    const shares = Float32Array.from({ length: 288 }, () => {
      drift = 0.97 * drift + 0.05 * random.normal();
      const spread = noise * Math.sqrt(level * (1 - level)) * random.normal();
      return clamp(Math.round(100 * (level * (1 + drift) + spread)) / 100);
    });
    return { id: `n${i}_site_slice_${i % 40}`, shares };
  });
}

function plain(
  name: string,
  durationS: number,
  count: number,
  random: Random,
  shareOf: (random: Random, hour: number, trait: number) => number,
): Workload {
  const samples = durationS / SAMPLE_S + 1;
  const instances = Array.from({ length: count }, (_, i): InstanceTrace => {
    const own = random.fork(String(i));
    const vcpus = 2 ** Math.floor(own.next() * 4);
    const trait = own.next();
    const startS = own.next() < 0.8 ? 0 : Math.floor((own.next() * durationS) / 2);
    return {
      id: `i-${i}`,
      project: `project-${i % 12}`,
      cpuMillis: 1000 * vcpus,
      memoryMib: 2048 * vcpus,
      diskGib: 10 * vcpus,
      startS,
      endS: own.next() < 0.8 ? Infinity : startS + Math.max(SAMPLE_S, Math.floor(own.next() * durationS)),
      shares: Float32Array.from({ length: samples }, (__, k) =>
        clamp(shareOf(own, ((k * SAMPLE_S) / 3600) % 168, trait)),
      ),
    };
  });
  return { name, sampleS: SAMPLE_S, durationS, instances, rejections: [] };
}

function officeShare(random: Random, hour: number, trait: number): number {
  const isWorkday = hour < 120;
  const day = Math.max(0, Math.sin(((hour % 24) - 7) * (Math.PI / 12)));
  return 0.03 + (isWorkday ? 0.5 * trait * day : 0) + 0.04 * random.normal();
}

function burstShare(random: Random, _hour: number, trait: number): number {
  return random.next() < 0.03 + 0.05 * trait ? 0.7 + 0.3 * random.next() : 0.02 + 0.01 * random.normal();
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
