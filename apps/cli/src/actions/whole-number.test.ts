import { expect, test } from 'vitest';
import { CliError } from '../output/failure.js';
import { wholeNumber, type WholeNumbers } from './whole-number.js';

function told(text: string, takes: WholeNumbers): CliError | undefined {
  try {
    wholeNumber('--many', text, takes);
  } catch (error) {
    if (error instanceof CliError) return error;
  }
  return undefined;
}

test.each([
  ['0', 0],
  ['7', 7],
  ['007', 7],
  ['100', 100],
])('%s is the whole number %d', (text, value) => {
  expect(wholeNumber('--many', text, { max: 100, example: 3 })).toBe(value);
});

test('a flag that is not given has no number', () => {
  expect(wholeNumber('--many', undefined, { example: 3 })).toBeUndefined();
});

test.each(['', ' ', 'x', '1g', '2m', '-1', '+1', '1.5', '1e3', '0x10', '1,000', 'NaN', 'Infinity', '9'.repeat(400)])(
  '%j is none',
  (text) => {
    expect(told(text, { example: 3 })?.message).toBe(`--many takes a whole number, not "${text}"`);
  },
);

test('it is said which numbers are taken, and one that would do', () => {
  const takes = { min: 1, max: 100, example: 3 };
  expect(told('101', takes)?.message).toBe('--many takes a whole number from 1 to 100, not "101"');
  expect(told('0', takes)?.details.next).toBe('--many 3');
  expect(told('1g', { unit: 'MiB', example: 512 })?.message).toBe('--many takes a whole number of MiB, not "1g"');
  expect(told('0', { min: 1, example: 3 })?.message).toBe('--many takes a whole number, at least 1, not "0"');
});
