import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { parseFormat } from './format.js';
import type { Noun } from './noun.js';
import { renderList, renderOne } from './render.js';
import { sortItems } from './sort.js';

interface Ship {
  readonly name: string;
  readonly tons: number | null;
}

const noun: Noun<Ship> = {
  path: '/ships',
  singular: 'ship',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'DEAD WEIGHT', value: ({ tons }) => tons },
    { header: 'LETTERS', value: ({ name }) => name.length, wide: true },
  ],
};
const ships: Ship[] = [
  { name: 'berta', tons: 120 },
  { name: 'ada "x", y', tons: null },
  { name: 'carla', tons: 9 },
];

describe('a list', () => {
  test.each([
    ['table', 'NAME         DEAD WEIGHT\nberta                120\nada "x", y             -\ncarla                  9'],
    ['name', 'berta\nada "x", y\ncarla'],
    ['csv', 'name,dead_weight,letters\nberta,120,5\n"ada ""x"", y",,10\ncarla,9,5'],
  ])('as %s', async (form, expected) => {
    expect(await renderList(ships, noun, parseFormat([form]))).toBe(expected);
  });

  test('as JSON and YAML is what the API gave', async () => {
    expect(JSON.parse(await renderList(ships, noun, parseFormat(['json'])))).toEqual(ships);
    expect(parse(await renderList(ships, noun, parseFormat(['yaml'])))).toEqual(ships);
  });

  test('shows the columns asked for, in their order, with no header when told so', async () => {
    const format = parseFormat(['columns=dead-weight,name', 'noheader']);
    expect(await renderList(ships.slice(0, 1), noun, format)).toBe('120   berta');
    await expect(renderList(ships, noun, parseFormat(['columns=masts']))).rejects.toThrow(/name, dead-weight, letters/);
  });

  test('sorts numbers as numbers and puts what is unknown last, either way', () => {
    expect(sortItems(ships, noun, 'dead-weight').map(noun.nameOf)).toEqual(['carla', 'berta', 'ada "x", y']);
    expect(sortItems(ships, noun, 'dead-weight:desc').map(noun.nameOf)).toEqual(['berta', 'carla', 'ada "x", y']);
  });
});

test('one thing shows every column, a line each', async () => {
  expect(await renderOne(ships[0]!, noun, parseFormat())).toBe(
    'NAME          berta\nDEAD WEIGHT   120\nLETTERS       5',
  );
});

test('a form that is not there is refused with those that are', () => {
  expect(() => parseFormat(['xml'])).toThrow(/table\|wide\|json\|yaml\|csv\|name/);
});
