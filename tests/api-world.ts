import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '@berth/domain/problem.js';
import type { Role } from '@berth/domain/role.js';
import { makeLogger } from '@berth/observability/logger.js';
import { startApi, type Api } from '../apps/api/src/api.js';
import type { ApiConfig } from '../apps/api/src/config.js';
import { imageBody } from './image-body.js';
import { openWorld, type World } from './world.js';

export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: T;
}

export type ProblemBody = Problem & { readonly status: number; readonly requestId: string };

export interface Call {
  readonly token?: string | null;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly text?: string;
  readonly headers?: Record<string, string>;
}

/** The API in this process on a real PostgreSQL, an administrator's token, and a registered image and type. */
export interface ApiWorld {
  readonly world: World;
  readonly api: Api;
  readonly adminToken: string;
  call<T = unknown>(method: string, path: string, call?: Call): Promise<Answer<T>>;
  tokenOf(role: Role, project?: string): Promise<string>;
  close(): Promise<void>;
}

export const agentSecret = randomBytes(24).toString('base64url');

export async function openApiWorld(config: Partial<ApiConfig> = {}): Promise<ApiWorld> {
  const world = await openWorld();
  const adminTokenFile = join(world.folder, 'admin.token');
  const api = await startTestApi(world, { ...config, BERTH_ADMIN_TOKEN_FILE: adminTokenFile });
  await api.serving;
  const adminToken = (await readFile(adminTokenFile, 'utf8')).trim();
  const call: ApiWorld['call'] = (method, path, request) =>
    ask(api.port, method, path, { token: adminToken, ...request });
  const image = await call('POST', '/v1/images', { body: imageBody });
  if (image.status !== 201) throw new Error(`no image: ${image.text}`);
  return {
    world,
    api,
    adminToken,
    call,
    async tokenOf(role, project = 'default') {
      const body = { name: role, role };
      const made = await call<{ token: string }>('POST', `/v1/tokens?project=${project}`, { body });
      return made.body.token;
    },
    async close() {
      await api.close();
      await world.close();
    },
  };
}

/** One more API on the same record. */
export function startTestApi(world: World, config: Partial<ApiConfig> = {}): Promise<Api> {
  return startApi(
    {
      DATABASE_URL: world.databaseUrl,
      BERTH_HOST: '127.0.0.1',
      BERTH_PORT: 0,
      BERTH_METRICS_PORT: 0,
      BERTH_AGENT_SECRET: agentSecret,
      BERTH_CONSOLE_ORIGINS: [],
      BERTH_LOG_LEVEL: 'silent',
      BERTH_IMAGE_STORE: join(world.folder, 'image-store'),
      BERTH_IMAGE_NETWORKS: '',
      BERTH_IMAGE_PLAIN_HTTP: false,
      BERTH_RETENTION_DAYS: 90,
      ...config,
    },
    makeLogger('api', process.env['BERTH_LOG_LEVEL'] ?? 'silent'),
  );
}

async function ask<T>(port: number, method: string, path: string, request: Call): Promise<Answer<T>> {
  const { token = null, body, text = body === undefined ? undefined : JSON.stringify(body), headers = {} } = request;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    ...(text !== undefined && { body: text }),
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(text !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  });
  const received = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const parsed: unknown = isJson ? JSON.parse(received) : received;
  return { status: response.status, headers: response.headers, text: received, body: parsed as T };
}
