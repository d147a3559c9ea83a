import { jobNames, type JobName } from '@berth/contracts/job.js';
import type { JobHandler, JobHandlers } from '@berth/queue/job-consumer.js';

/**
 * Collects who does which job, so that a job without a handler, or with two, stops the worker at boot and not a user
 * later.
 */
export class JobRegistry {
  private readonly handlers: { [N in JobName]?: JobHandler<N> } = {};

  /** @throws when the job has a handler already */
  handle<N extends JobName>(name: N, handler: JobHandler<N>): this {
    if (this.handlers[name]) throw new Error(`job ${name} has two handlers`);
    Object.assign(this.handlers, { [name]: handler });
    return this;
  }

  /** @throws when a job of the contracts has no handler */
  complete(): JobHandlers {
    const missing = jobNames.filter((name) => !this.handlers[name]);
    if (missing.length > 0) throw new Error(`no handler for job ${missing.join(', ')}`);
    return this.handlers as JobHandlers;
  }
}
