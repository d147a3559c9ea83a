import { describe, expect, test } from 'vitest';
import { BootSlots } from './boot-slots.js';

describe('boot slots', () => {
  test('admit as many as there are, the others in the order they came', async () => {
    const slots = new BootSlots(2);
    const begun: number[] = [];
    const takes = [1, 2, 3, 4].map(async (guest) => {
      const giveBack = await slots.take();
      begun.push(guest);
      return giveBack;
    });
    const [first, second] = await Promise.all([takes[0], takes[1]]);
    expect(begun).toEqual([1, 2]);
    second?.();
    await takes[2];
    expect(begun).toEqual([1, 2, 3]);
    first?.();
    await takes[3];
    expect(begun).toEqual([1, 2, 3, 4]);
  });

  test('given back twice make no slot of nothing', async () => {
    const slots = new BootSlots(1);
    const giveBack = await slots.take();
    giveBack();
    giveBack();
    await slots.take();
    let third = false;
    void slots.take().then(() => (third = true));
    await Promise.resolve();
    expect(third).toBe(false);
  });
});
