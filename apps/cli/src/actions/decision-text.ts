import type { DecisionView } from '@berth/contracts/http/instance.js';

/** Why it goes where it goes, or nowhere: the same words for a dry run and for what was decided. */
export function decisionText(decision: Omit<DecisionView, 'generation' | 'decidedAt'>): string {
  const { outcome, node, policy, considered, rejected, finalists, counterfactuals } = decision;
  const head = outcome === 'placed' ? `placed on ${node}` : outcome;
  const lines = [`${head} (policy ${policy}, ${considered} nodes looked at)`];
  for (const [filter, nodes] of Object.entries(rejected)) lines.push(`  ${filter} refused ${nodes}`);
  for (const { node: finalist, score, scores } of finalists) {
    const parts = Object.entries(scores).map(([scorer, value]) => `${scorer} ${value.toFixed(3)}`);
    lines.push(`  ${finalist === node ? '*' : ' '} ${finalist}: ${score.toFixed(3)} (${parts.join(', ')})`);
  }
  for (const text of counterfactuals) lines.push(`  it ${text}`);
  return lines.join('\n');
}
