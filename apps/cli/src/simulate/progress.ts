const WIDTH = 28;
const EVERY_MS = 100;

/** A bar with an estimate of what is left, on stderr, when somebody watches. */
export function progressBar(label: string, total: number): (done: number) => void {
  const startedMs = performance.now();
  let drawnMs = 0;
  if (!process.stderr.isTTY) return () => undefined;
  return (done) => {
    const nowMs = performance.now();
    const isOver = done >= total;
    if (nowMs - drawnMs < EVERY_MS && !isOver) return;
    drawnMs = nowMs;
    const share = Math.min(1, done / total);
    const filled = Math.round(share * WIDTH);
    const leftS = share > 0 ? ((nowMs - startedMs) / 1000) * (1 / share - 1) : 0;
    const bar = '█'.repeat(filled) + '·'.repeat(WIDTH - filled);
    const tail = isOver ? `${((nowMs - startedMs) / 1000).toFixed(1)} s` : `ETA ${leftS.toFixed(0)} s`;
    process.stderr.write(
      `\r\u001b[K${label} ${bar} ${(share * 100).toFixed(0).padStart(3)} %  ${tail}${isOver ? '\n' : ''}`,
    );
  };
}
