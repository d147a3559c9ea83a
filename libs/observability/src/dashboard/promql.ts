import { parser } from '@prometheus-io/lezer-promql';

/** What Grafana would put in for its variables: everything chosen, the given windows. */
export function substitute(expression: string, { rateInterval = '30s', range = '5m' } = {}): string {
  return expression
    .replaceAll('$__rate_interval', rateInterval)
    .replaceAll('$__range', range)
    .replaceAll(/\$(node|project|instance_type)\b/g, '.+');
}

/** Position of the first syntax error, or null. */
export function syntaxErrorAt(expression: string): number | null {
  let found: number | null = null;
  parser.parse(expression).iterate({
    enter: ({ type, from }) => {
      if (type.isError) found ??= from;
    },
  });
  return found;
}

/** Every metric an expression selects, with the labels of its matchers. */
export function selectorsOf(expression: string): { readonly metric: string; readonly labels: readonly string[] }[] {
  const textOf = (node: { readonly from: number; readonly to: number }): string => expression.slice(node.from, node.to);
  const found: { metric: string; labels: string[] }[] = [];
  parser.parse(expression).iterate({
    enter: (node) => {
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') {
        found.push({ metric: textOf(node), labels: [] });
      }
      if (node.name === 'LabelName' && node.node.parent?.name === 'UnquotedLabelMatcher') {
        found.at(-1)?.labels.push(textOf(node));
      }
    },
  });
  return found;
}
