import type { EngineDriver, Observed, VmmHandle } from './driver.js';

/** Resolves when the guest is ready or gone, whichever comes first; rejects when the signal fires. */
export async function untilReady(driver: EngineDriver, handle: VmmHandle, signal: AbortSignal): Promise<Observed> {
  return untilObserved(driver, handle, signal, ({ state }) => state === 'running' || state === 'gone');
}

/** Watches first and asks afterwards, so that no change between the two is missed. */
export async function untilObserved(
  driver: EngineDriver,
  handle: VmmHandle,
  signal: AbortSignal,
  holds: (observed: Observed) => boolean,
): Promise<Observed> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = deferred<Observed>();
  const offer = (observed: Observed) => {
    if (observed.handle.vmmId === handle.vmmId && holds(observed)) resolve(observed);
  };
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const unwatch = driver.watch(offer);
  try {
    offer(await driver.inspect(handle));
    return await promise;
  } finally {
    unwatch();
    signal.removeEventListener('abort', abort);
  }
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined); // the waiter may still be busy asking when it rejects
  return { promise, resolve, reject };
}
