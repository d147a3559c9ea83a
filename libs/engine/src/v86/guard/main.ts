import { Guard } from './guard.js';
import { parseGuardArguments } from './options.js';

await Guard.run(parseGuardArguments(process.argv.slice(2)));
