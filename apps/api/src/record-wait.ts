import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@berth/observability/logger.js';
import { problemOf } from './http/problem-document.js';

const firstWaitMs = 200;
const waitMaxMs = 5_000;

/**
 * Does `work` as soon as the record answers, however long that takes; requests get 503 meanwhile. Resolves to false
 * when the signal fired before. @throws whatever else is wrong
 */
export async function onceRecordAnswers(
  work: () => Promise<void>,
  logger: Pick<Logger, 'warn' | 'info'>,
  signal: AbortSignal,
): Promise<boolean> {
  for (let waitMs = firstWaitMs; !signal.aborted; waitMs = Math.min(2 * waitMs, waitMaxMs)) {
    try {
      await work();
      if (waitMs > firstWaitMs) logger.info('the record answers');
      return true;
    } catch (error) {
      if (problemOf(error).code !== 'unavailable') throw error;
      logger.warn({ err: error, againInMs: waitMs }, 'the record does not answer: requests get 503 until it does');
    }
    await delay(waitMs, undefined, { signal }).catch(() => undefined); // closed
  }
  return false;
}
