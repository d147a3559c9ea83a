const loops = 20_000_000;
/** The first goes to the compiler; of the others the best counts. */
const rounds = 4;

/** Loops a CPU second that a core of this machine does itself: what the guest's are held against. Takes about 30 ms. */
export function nativeLoopsPerCpuSecond(): number {
  let best = 0;
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage();
    countDown(loops);
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, loops / ((user + system) / 1e6));
  }
  return best;
}

function countDown(from: number): number {
  let left = from;
  while (left !== 0) left = (left - 1) | 0;
  return left;
}
