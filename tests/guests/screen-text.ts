import { readFileSync } from 'node:fs';
import { readPng, type Picture } from './png.js';

/** Where Debian puts the BIOS of the card that guests get, which holds the font of its text mode. */
const vgaBiosPath = '/usr/share/seabios/vgabios-stdvga.bin';
const letterA = Buffer.from('000010386cc6c6fec6c6c6c600000000', 'hex');
const rows = 16;
const printable = { first: 0x21, last: 0x7e };

/** What stands on a screen in text mode, line by line; a picture in another mode has no text. */
export function screenText(png: Buffer): string {
  const picture = readPng(png);
  const columnPixels = picture.width === 720 ? 9 : 8;
  const letters = lettersOfFont();
  const lines = Array.from({ length: Math.floor(picture.height / rows) }, (_, line) =>
    Array.from({ length: Math.floor(picture.width / columnPixels) }, (_, column) => {
      const shape = shapeAt(picture, column * columnPixels, line * rows);
      return letters.get(shape) ?? letters.get(inverse(shape)) ?? ' ';
    }).join(''),
  );
  return lines.map((line) => line.trimEnd()).join('\n');
}

function lettersOfFont(): ReadonlyMap<string, string> {
  const bios = readFileSync(vgaBiosPath);
  const font = bios.indexOf(letterA) - 0x41 * rows;
  const codes = Array.from({ length: printable.last - printable.first + 1 }, (_, index) => printable.first + index);
  return new Map(
    codes.map((code) => [
      bios.subarray(font + code * rows, font + (code + 1) * rows).toString('hex'),
      String.fromCharCode(code),
    ]),
  );
}

/** Of one cell: a bit for each pixel that has not the colour of the first. */
function shapeAt(picture: Picture, left: number, top: number): string {
  const shape = Buffer.alloc(rows);
  const ground = picture.pixel(left, top);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < 8; x++) {
      if (picture.pixel(left + x, top + y) !== ground) shape[y]! |= 0x80 >> x;
    }
  }
  return shape.toString('hex');
}

function inverse(shape: string): string {
  return Buffer.from(Buffer.from(shape, 'hex').map((byte) => byte ^ 0xff)).toString('hex');
}
