import type { Command } from 'commander';
import { dataDirOf, findDatacenter } from '../client/find-datacenter.js';
import type { HttpClient } from '../client/http.js';
import { terminal } from '../output/terminal.js';

/** What a command knows beside its own arguments. */
export class Invocation {
  constructor(
    private readonly program: Command,
    readonly environment: NodeJS.ProcessEnv,
  ) {}

  get dataDir(): string {
    return dataDirOf(this.flags.dataDir, this.environment);
  }

  /** @throws CliError when there is no datacenter to talk to */
  api(): HttpClient {
    return findDatacenter(this.flags.dataDir, this.environment);
  }

  readonly print = terminal.print;

  /** Progress, for people: nothing with --quiet. */
  readonly tell = (text: string): void => {
    if (this.flags.quiet !== true) terminal.tell(text);
  };

  private get flags(): { dataDir?: string; quiet?: true } {
    return this.program.opts();
  }
}
