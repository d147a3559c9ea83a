import { TcgNode } from '../e2e/tcg-node.js';
import { MovingGuest, type Move, type MovingOptions, type Steps } from './moving-guest.js';

export interface MigrationFigures {
  readonly moves: number;
  /** Why there are fewer than were asked for. */
  readonly endedEarly: string | null;
  readonly lost: number;
  /** Pages that were found with other bytes than the guest had written, of how many it looked at. */
  readonly corruptedPages: number;
  readonly checkedPages: number;
  readonly downtimeMs: { readonly median: number; readonly p95: number; readonly max: number };
  readonly durationMs: { readonly median: number; readonly p95: number; readonly max: number };
  readonly medianSentMib: number;
  /** Moves in which the guest went on before all of its memory was there. */
  readonly postcopies: number;
  /** Moves in which it kept the very memory it had. */
  readonly sharings: number;
  /** Of those that went so: medians. */
  readonly byTls: WayFigures;
  readonly plain: WayFigures;
}

interface WayFigures {
  readonly moves: number;
  readonly downtimeMs: number;
  readonly durationMs: number;
}

/** The guest takes 41 s to write all of its disk anew: what a move spoils is there to be seen some moves later. */
const diskLookEveryMoves = 4;

/** A guest that does not answer in order, or has lost a step or a beat, is lost; the next one is a new guest. */
export async function runMigrations(
  count: number,
  options: MovingOptions,
  onMove: (move: Move) => void,
  signal?: AbortSignal,
): Promise<MigrationFigures> {
  const nodes: [TcgNode, TcgNode] = [await TcgNode.open(), await TcgNode.open()];
  const moves: Move[] = [];
  let [lost, checkedPages] = [0, 0];
  let endedEarly: string | null = null;
  try {
    let guest = await MovingGuest.start(nodes, options);
    let before = await guest.steps();
    while (moves.length + lost < count) {
      signal?.throwIfAborted();
      const made = moves.length + lost + 1;
      const looksAtDisk = made % diskLookEveryMoves === 0 || made === count;
      const outcome = await moveOnce(guest, before, looksAtDisk).catch((error: unknown) => String(error));
      if (typeof outcome !== 'string') {
        moves.push(outcome.move);
        checkedPages += outcome.move.dirtied.checked - before.checked;
        before = outcome.after;
        onMove(outcome.move);
      } else {
        process.stdout.write(`lost at ${moves.length + lost}: ${outcome}\n`);
        lost += 1;
        await Promise.all(nodes.map((node) => node.releaseAll()));
        guest = await MovingGuest.start(nodes, options);
        before = await guest.steps();
      }
    }
  } catch (error) {
    endedEarly = String(error); // what was measured is worth telling all the same
  }
  await Promise.all(nodes.map((node) => node.end())).catch((error: unknown) => (endedEarly ??= String(error)));
  return {
    moves: moves.length + lost,
    endedEarly,
    lost,
    corruptedPages: Math.max(0, ...moves.map(({ dirtied }) => dirtied.bad)),
    checkedPages,
    downtimeMs: spread(moves.map(({ downtimeMs }) => downtimeMs)),
    durationMs: spread(moves.map(({ durationMs }) => durationMs)),
    medianSentMib: spread(moves.map(({ sentBytes }) => sentBytes / 2 ** 20)).median,
    postcopies: moves.filter(({ method }) => method === 'postcopy').length,
    sharings: moves.filter(({ method }) => method === 'shared-memory').length,
    byTls: wayOf(moves.filter(({ encrypted }) => encrypted)),
    plain: wayOf(moves.filter(({ encrypted }) => !encrypted)),
  };
}

async function moveOnce(
  guest: MovingGuest,
  before: Steps,
  looksAtDisk: boolean,
): Promise<{ move: Move; after: Steps }> {
  const move = await guest.move();
  const after = await guest.steps(looksAtDisk ? undefined : before.writes);
  const counts = ['counter', 'beats', 'writes'] as const;
  if (counts.every((count) => after[count] >= before[count])) return { move, after };
  throw new Error(`from ${JSON.stringify(before)} to ${JSON.stringify(after)}`);
}

function wayOf(moves: readonly Move[]): WayFigures {
  const median = (values: readonly number[]): number => spread(values).median;
  const downtimeMs = median(moves.map((move) => move.downtimeMs));
  return { moves: moves.length, downtimeMs, durationMs: median(moves.map(({ durationMs }) => durationMs)) };
}

function spread(values: readonly number[]): MigrationFigures['downtimeMs'] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { median: at(0.5), p95: at(0.95), max: at(1) };
}
