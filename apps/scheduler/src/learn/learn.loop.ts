import type { LifetimeRepository } from '@berth/database/lifetime.repository.js';
import { endsRememberedS, type LifetimeBook } from '@berth/scheduling/lifetime/lifetime-book.js';
import type { Round } from '../loop.js';

/** Read at most, of ended instances and of live ones: the newest. */
const livesMax = 50_000;
/** A deletion is stamped when its transaction begins and seen when it ends. */
export const overlapS = endsRememberedS / 5;

/** Learns from the record how long instances live; placement asks the book. */
export class LearnLoop {
  private readS = 0;

  constructor(
    private readonly record: LifetimeRepository,
    private readonly book: LifetimeBook,
  ) {}

  async round(): Promise<Round> {
    const lives = await this.record.lives(Math.max(0, this.readS - overlapS), livesMax);
    this.book.learn(lives);
    this.readS = lives.nowS;
    return { seen: lives.ended.length + lives.live.length, acted: 0 };
  }
}
