import type { createdTokenView, InstanceTypeView, ProjectView, tokenView } from '@berth/contracts/http/access.js';
import type { z } from 'zod';
import { mib } from '../output/amounts.js';
import type { Noun } from '../output/noun.js';

export type TokenView = z.infer<typeof tokenView>;
export type CreatedTokenView = z.infer<typeof createdTokenView>;

export const instanceTypeNoun: Noun<InstanceTypeView> = {
  path: '/instance-types',
  singular: 'type',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'VCPUS', value: ({ vcpus }) => vcpus },
    { header: 'MEMORY', value: ({ memoryMib }) => mib(memoryMib) },
    { header: 'DISK GIB', value: ({ diskGib }) => diskGib },
    { header: 'CREATED', value: ({ createdAt }) => createdAt, wide: true },
  ],
};

export const projectNoun: Noun<ProjectView> = {
  path: '/projects',
  singular: 'project',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'INSTANCES', value: ({ quota }) => `${quota.usedInstances}/${quota.maxInstances}` },
    { header: 'VCPUS', value: ({ quota }) => `${quota.usedVcpus}/${quota.maxVcpus}` },
    { header: 'MEMORY MIB', value: ({ quota }) => `${quota.usedMemoryMib}/${quota.maxMemoryMib}` },
    { header: 'ID', value: ({ id }) => id, wide: true },
    { header: 'CREATED', value: ({ createdAt }) => createdAt, wide: true },
  ],
};

export const tokenNoun: Noun<TokenView> = {
  path: '/tokens',
  singular: 'token',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'ROLE', value: ({ role }) => role },
    { header: 'PROJECT', value: ({ project }) => project },
    { header: 'STATE', value: ({ revokedAt }) => (revokedAt === null ? 'valid' : 'revoked') },
    { header: 'EXPIRES', value: ({ expiresAt }) => expiresAt },
    { header: 'LAST USED', value: ({ lastUsedAt }) => lastUsedAt },
    { header: 'ID', value: ({ id }) => id, wide: true },
  ],
};
