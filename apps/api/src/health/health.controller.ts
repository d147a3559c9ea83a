import { Database } from '@berth/database/database.js';
import { ProblemError } from '@berth/domain/problem.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { route, Serve } from '../http/route.js';

const getHealth = route({
  method: 'GET',
  path: '/health',
  tag: 'About',
  summary: 'Whether requests can be accepted',
  role: 'anyone',
  status: 200,
  answer: z.object({ status: z.literal('ok') }),
});

@Controller()
export class HealthController {
  constructor(private readonly database: Database) {}

  /** Redis is not asked: nothing here needs it. */
  @Serve(getHealth)
  async get() {
    await this.database.query('SELECT 1').catch((error: unknown) => {
      throw new ProblemError({ code: 'unavailable', detail: 'the record does not answer' }, { cause: error });
    });
    return { status: 'ok' as const };
  }
}
