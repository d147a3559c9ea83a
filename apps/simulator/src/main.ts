import { loadConfigOrExit } from '@berth/config/load.js';
import { configSchema } from './config.js';

const config = loadConfigOrExit(configSchema);
// loaded only now: a wrong configuration is told before the program behind it is read
const { serve } = await import('./serve.js');
await serve(config);
