import { loadConfigOrExit } from '@berth/config/load.js';
import { apiConfig } from './config.js';

const config = loadConfigOrExit(apiConfig);
// loaded only now: a wrong configuration is told before the program behind it is read
const { serve } = await import('./serve.js');
await serve(config);
