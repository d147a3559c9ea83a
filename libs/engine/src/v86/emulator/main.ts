import { Emulation } from './emulation.js';
import { loadEmulator } from './machine.js';
import { parseEmulationArguments } from './options.js';

/** Told to `try`, it ends well where it could run. */
const [first, ...rest] = process.argv.slice(2);
if (first === 'try' && rest.length === 0) await loadEmulator();
else await Emulation.run(parseEmulationArguments(process.argv.slice(2)));
