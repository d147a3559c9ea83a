import { quantile, rate, ratio, type RowSpec } from '../panel.js';

export const requests: RowSpec = {
  title: 'Requests',
  panels: [
    {
      title: 'Requests',
      says: 'Requests answered per second, by status.',
      unit: 'reqps',
      queries: { '{{status}}': `sum by (status) (${rate('berth_http_requests_total')})` },
    },
    {
      title: 'Answered without a server error',
      says: 'Share of answers that are not 5xx; less than 100 % means that something broke on our side.',
      unit: 'percentunit',
      queries: {
        'not 5xx': ratio(
          `sum(${rate('berth_http_requests_total{status!~"5.."}')})`,
          `sum(${rate('berth_http_requests_total')})`,
        ),
      },
    },
    {
      title: 'Time to answer, p99',
      says: 'By route; long-polls and event streams are left out.',
      unit: 's',
      queries: { '{{method}} {{route}}': quantile(0.99, 'berth_http_request_duration_seconds', ['method', 'route']) },
    },
    {
      title: 'Open waits',
      says: 'Clients that wait on an operation or follow the events.',
      unit: 'short',
      queries: { 'long-polls': 'sum(berth_operation_waiters)', 'event streams': 'sum(berth_event_streams)' },
    },
  ],
};
