import {
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  type DataSourceRef,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
  type Dashboard,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { PanelSpec } from './panel.js';
import { controlPlane } from './rows/control-plane.js';
import { energy } from './rows/energy.js';
import { engines } from './rows/engines.js';
import { instances } from './rows/instances.js';
import { nodes } from './rows/nodes.js';
import { provisioning } from './rows/provisioning.js';
import { queues } from './rows/queues.js';
import { requests } from './rows/requests.js';
import { scheduler } from './rows/scheduler.js';

const datasource: DataSourceRef = { type: 'prometheus', uid: '$datasource' };
const rows = [provisioning, requests, queues, scheduler, nodes, energy, engines, instances, controlPlane];

/** deploy/grafana/dashboards/berth.json is this, as JSON. */
export function berthDashboard(): Dashboard {
  const builder = new DashboardBuilder('Berth')
    .uid('berth-datacenter')
    .description('A datacenter: from the accepted request to the ready guest, and what it costs')
    .tags(['berth'])
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh('10s')
    .time({ from: 'now-30m', to: 'now' })
    .timezone('browser')
    .editable()
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(choice('node', 'Node', 'label_values(berth_node_info, node)'))
    .withVariable(choice('project', 'Project', 'label_values(berth_quota_limit, project)'))
    .withVariable(choice('instance_type', 'Instance type', 'label_values(berth_instances, instance_type)'));
  let id = 0;
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title).id((id += 1)));
    for (const panel of row.panels) {
      builder.withPanel((panel.kind === 'stat' ? statOf(panel) : timeseriesOf(panel)).id((id += 1)));
    }
  }
  return builder.build();
}

function choice(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: 'All', value: '$__all' });
}

function statOf(panel: PanelSpec): StatBuilder {
  const last = new ReduceDataOptionsBuilder().calcs(['lastNotNull']);
  return described(new StatBuilder().height(4).span(6).reduceOptions(last), panel);
}

function timeseriesOf(panel: PanelSpec): TimeseriesBuilder {
  const builder = new TimeseriesBuilder()
    .height(8)
    .span(8)
    .min(0)
    .fillOpacity(panel.stacked ? 30 : 0);
  if (panel.stacked) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  return described(builder, panel);
}

function described<B extends StatBuilder | TimeseriesBuilder>(builder: B, panel: PanelSpec): B {
  builder.title(panel.title).description(panel.says).unit(panel.unit).datasource(datasource);
  Object.entries(panel.queries).forEach(([legend, expression], at) => {
    const refId = String.fromCodePoint('A'.codePointAt(0)! + at);
    builder.withTarget(new DataqueryBuilder().refId(refId).expr(expression).legendFormat(legend).range());
  });
  return builder;
}
