import type { Duplex } from 'node:stream';
import { sayToScreen } from '../e2e/rfb.js';

/** X11's names of keys that print nothing, as RFB sends them (RFC 6143, section 7.5.4). */
const keysyms: Readonly<Record<string, number>> = {
  enter: 0xff0d,
  escape: 0xff1b,
  tab: 0xff09,
  backspace: 0xff08,
  delete: 0xffff,
  home: 0xff50,
  end: 0xff57,
  left: 0xff51,
  up: 0xff52,
  right: 0xff53,
  down: 0xff54,
  space: 0x20,
  ...Object.fromEntries(Array.from({ length: 12 }, (_, nth) => [`f${nth + 1}`, 0xffbe + nth])),
};
export const keyNames = Object.keys(keysyms);

const shift = 0xffe1;
/** On the American keyboard that QEMU takes these to come from. */
const shifted = /[A-Z~!@#$%^&*()_+{}|:"<>?]/;
const keyEvent = 4;

/** A guest under emulation loses what is typed faster than a person does. */
const everyMs = 50;

/** Presses and lets go of each in turn, at the keyboard that belongs to the screen. */
export async function pressKeys(screen: Duplex, keys: readonly string[]): Promise<void> {
  await sayToScreen(screen, keys.map(strokeOf), everyMs);
  screen.destroy();
}

function strokeOf(key: string): Buffer {
  const keysym = keysyms[key] ?? key.charCodeAt(0);
  const stroke = [event(keysym, true), event(keysym, false)];
  if (key.length > 1 || !shifted.test(key)) return Buffer.concat(stroke);
  return Buffer.concat([event(shift, true), ...stroke, event(shift, false)]);
}

function event(keysym: number, isDown: boolean): Buffer {
  const message = Buffer.alloc(8);
  message.writeUInt8(keyEvent, 0);
  message.writeUInt8(Number(isDown), 1);
  message.writeUInt32BE(keysym, 4);
  return message;
}
