import { afterEach, describe, expect, test } from 'vitest';
import { Metrics } from './metrics.js';
import { startMetricsServer, type Health, type MetricsServer } from './metrics-server.js';

let server: MetricsServer | undefined;
afterEach(() => server?.close());

async function serve(health: () => Health, prepare?: (metrics: Metrics<'scheduler'>) => void): Promise<string> {
  const metrics = new Metrics('scheduler');
  prepare?.(metrics);
  server = await startMetricsServer(metrics, health, { port: 0 });
  return `http://127.0.0.1:${server.port}`;
}

describe('metrics server', () => {
  test('/metrics shows what was counted, what a refresher read, and the process itself', async () => {
    const url = await serve(
      () => ({ healthy: true }),
      (metrics) => {
        metrics.get('berth_loop_errors_total').inc({ loop: 'place' }, 3);
        metrics.beforeScrape(() => metrics.get('berth_queue_depth').set({ queue: 'dispatch' }, 7));
      },
    );
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('berth_loop_errors_total{loop="place"} 3');
    expect(text).toContain('berth_queue_depth{queue="dispatch"} 7');
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).not.toContain('berth_http_requests_total');
  });

  test('a refresher that fails makes the scrape fail instead of showing old figures', async () => {
    const url = await serve(
      () => ({ healthy: true }),
      (metrics) => metrics.beforeScrape(() => Promise.reject(new Error('the record is away'))),
    );
    const answer = await fetch(`${url}/metrics`);
    expect([answer.status, await answer.json()]).toEqual([503, { healthy: false, error: 'the record is away' }]);
  });

  test('/health answers 200 or 503 with the details', async () => {
    let healthy = true;
    const url = await serve(() => ({ healthy, redis: healthy ? 'up' : 'down' }));
    expect((await fetch(`${url}/health`)).status).toBe(200);
    healthy = false;
    const answer = await fetch(`${url}/health`);
    expect([answer.status, await answer.json()]).toEqual([503, { healthy: false, redis: 'down' }]);
  });

  test('anything else is refused', async () => {
    const url = await serve(() => ({ healthy: true }));
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(404);
  });
});
