import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Template } from '@berth/engine/make-template.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TemplateStore } from './template-store.js';

let folder: string;
let told: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-templates-'));
  told = [];
});
afterEach(() => rm(folder, { recursive: true }));

async function open(epoch = 'boot-1', budgetBytes = 100): Promise<TemplateStore> {
  const onBuilt = (key: string, outcome: string) => told.push(`${key} ${outcome}`);
  const store = new TemplateStore({ folder, epoch, budgetBytes, onBuilt });
  await store.open();
  return store;
}

function of(bytes: number): (directory: string) => Promise<Template> {
  return async (directory) => {
    const [statePath, memoryPath, diskPath] = ['state', 'memory', 'root.qcow2'].map((name) => join(directory, name));
    await Promise.all([statePath, memoryPath, diskPath].map((path) => writeFile(path!, '')));
    return { statePath: statePath!, memoryPath, diskPath, bytes };
  };
}

const broken = () => Promise.reject(new Error('no boot'));

describe('the templates of a node', () => {
  test('are made one at a time, once for a key, and are there when they are whole', async () => {
    const store = await open();
    let [underWay, most] = [0, 0];
    const make = async (directory: string) => {
      most = Math.max(most, ++underWay);
      const template = await of(10)(directory);
      underWay -= 1;
      return template;
    };
    for (const key of ['a', 'b', 'a']) store.build(key, make);
    expect(store.take('a')).toBeUndefined();
    await store.settled();
    expect([most, store.count, store.bytes, told]).toEqual([1, 2, 20, ['a built', 'b built']]);
    expect(store.take('a')?.bytes).toBe(10);
  });

  test('stay within their bytes: the one that was not used for longest goes', async () => {
    const store = await open();
    for (const key of ['a', 'b']) store.build(key, of(40));
    await store.settled();
    store.take('a');
    store.build('c', of(40));
    await store.settled();
    expect(['a', 'b', 'c'].map((key) => store.take(key) !== undefined)).toEqual([true, false, true]);
    expect(store.bytes).toBe(80);
    expect((await readdir(join(folder, 'boot-1'))).toSorted()).toEqual(['a', 'c']);
  });

  test('of more than all bytes are not kept', async () => {
    const store = await open();
    store.build('a', of(101));
    await store.settled();
    expect([store.count, told]).toEqual([0, ['a failed']]);
    expect(await readdir(join(folder, 'boot-1'))).toEqual([]);
  });

  test('are taken up again by the next worker, but for those half made or of another epoch', async () => {
    const store = await open();
    for (const key of ['a', 'half']) store.build(key, of(10));
    await store.settled();
    await rm(join(folder, 'boot-1', 'half', 'template.json'));
    const next = await open();
    expect([next.count, next.take('a')]).toEqual([1, store.take('a')]);
    expect((await open('boot-2')).count).toBe(0);
    expect(await readdir(folder)).toEqual(['boot-2']);
  });

  test('that fail in the making or in use three times are left alone', async () => {
    const store = await open();
    store.build('a', broken);
    await store.settled();
    for (let time = 0; time < 2; time++) {
      store.build('a', of(1));
      await store.settled();
      await store.drop('a');
    }
    store.build('a', of(1));
    await store.settled();
    expect([store.count, told]).toEqual([0, ['a failed', 'a built', 'a built']]);
  });
});
