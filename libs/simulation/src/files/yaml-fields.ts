import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type YAMLMap } from 'yaml';
import { InputError } from '../traces/rows.js';
import { expectedQuantity, quantity, type Units } from './quantity.js';

/** A mapping of a YAML file whose fields are read one by one; whatever is wrong is told with file, line and field. */
export class YamlFields {
  private readonly read = new Set<string>();

  private constructor(
    private readonly file: string,
    private readonly lines: LineCounter,
    private readonly map: YAMLMap,
    private readonly path: string,
  ) {}

  static parse(file: string, text: string): YamlFields {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines });
    const [problem] = document.errors;
    if (problem !== undefined) {
      throw new InputError(file, lines.linePos(problem.pos[0]).line, '', `YAML (${problem.message.split('\n')[0]})`);
    }
    if (!isMap(document.contents)) throw new InputError(file, 1, '', 'a mapping of fields to values');
    return new YamlFields(file, lines, document.contents, '');
  }

  has(field: string): boolean {
    return this.map.has(field);
  }

  text(field: string): string {
    const value = this.scalar(field);
    if (typeof value !== 'string' || value === '') throw this.error(field, 'a text', value);
    return value;
  }

  number(field: string, least: number, standard?: number): number {
    if (standard !== undefined && !this.has(field)) return standard;
    const value = this.scalar(field);
    if (typeof value !== 'number' || !(value >= least)) throw this.error(field, `a number of ${least} or more`, value);
    return value;
  }

  quantity(field: string, allowed: Units, standard?: number): number {
    if (standard !== undefined && !this.has(field)) return standard;
    const value = this.scalar(field);
    const amount = typeof value === 'string' ? quantity(value, allowed) : undefined;
    if (amount === undefined) throw this.error(field, expectedQuantity(allowed), value);
    return amount;
  }

  numbers(field: string): number[] {
    const value = this.node(field);
    const items = isSeq(value) ? (value.toJSON() as unknown) : undefined;
    if (!Array.isArray(items) || !items.every((item): item is number => typeof item === 'number')) {
      throw this.error(field, 'a list of numbers');
    }
    return items;
  }

  fields(field: string): YamlFields {
    const value = this.node(field);
    if (!isMap(value)) throw this.error(field, 'a mapping of fields to values');
    return new YamlFields(this.file, this.lines, value, `${this.path}${field}.`);
  }

  list(field: string): YamlFields[] {
    const value = this.node(field);
    if (!isSeq(value) || value.items.length === 0) throw this.error(field, 'a list of one entry or more');
    return value.items.map((item, i) => {
      if (!isMap(item)) throw this.error(field, `a mapping as entry ${i + 1}`);
      return new YamlFields(this.file, this.lines, item, `${this.path}${field}[${i}].`);
    });
  }

  /** After everything known was read: a field nobody asked for is a mistake. */
  refuseOthers(): void {
    for (const { key } of this.map.items) {
      const name = isScalar(key) ? String(key.value) : String(key);
      if (!this.read.has(name)) throw this.error(name, `one of ${[...this.read].join(', ')}`);
    }
  }

  error(field: string, expected: string, got?: unknown): InputError {
    const at = (this.map.get(field, true) ?? this.map) as Node;
    const line = at.range ? this.lines.linePos(at.range[0]).line : 0;
    const shown = typeof got === 'string' || typeof got === 'number' ? String(got) : undefined;
    return new InputError(this.file, line, this.path + field, expected, shown);
  }

  private node(field: string): unknown {
    this.read.add(field);
    const value = this.map.get(field, true);
    if (value === undefined) throw this.error(field, 'this field');
    return value;
  }

  private scalar(field: string): unknown {
    const value = this.node(field);
    return isScalar(value) ? value.value : value;
  }
}
