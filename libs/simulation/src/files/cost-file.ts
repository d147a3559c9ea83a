import { DEFAULT_COST, type CarbonSeries, type CostModel } from '../cost/cost-model.js';
import { units } from './quantity.js';
import { YamlFields } from './yaml-fields.js';

/** Prices and carbon as `docs/simulation.md` describes them; what is absent keeps its default. */
export function parseCostFile(file: string, text: string): CostModel {
  const root = YamlFields.parse(file, text);
  const model: CostModel = {
    currency: root.has('currency') ? root.text('currency') : DEFAULT_COST.currency,
    tariffPerKwh: root.quantity('tariff', units.perKwh, DEFAULT_COST.tariffPerKwh),
    pue: root.number('pue', 1, DEFAULT_COST.pue),
    nodeLifeYears: root.quantity('node-life', units.years, DEFAULT_COST.nodeLifeYears),
    operationsPerNodeHour: root.quantity('operations', units.perHour, DEFAULT_COST.operationsPerNodeHour),
    carbon: root.has('carbon') ? parseCarbon(root) : DEFAULT_COST.carbon,
  };
  if (model.nodeLifeYears <= 0) throw root.error('node-life', 'more than 0 years');
  root.refuseOthers();
  return model;
}

function parseCarbon(root: YamlFields): CarbonSeries {
  const carbon = root.fields('carbon');
  const everyS = carbon.quantity('every', units.seconds, 3600);
  const gramsPerKwh = carbon.has('series')
    ? carbon.numbers('series')
    : [carbon.quantity('intensity', units.gramsPerKwh)];
  if (everyS <= 0) throw carbon.error('every', 'more than 0');
  if (gramsPerKwh.length === 0) throw carbon.error('series', 'one value or more');
  carbon.refuseOthers();
  return { everyS, gramsPerKwh };
}
