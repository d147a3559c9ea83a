import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { route, Serve } from '../http/route.js';
import { OpenApiDocument } from './open-api-document.js';

const getOpenApi = route({
  method: 'GET',
  path: '/openapi.json',
  tag: 'About',
  summary: 'This document',
  role: 'anyone',
  status: 200,
  answer: z.record(z.string(), z.unknown()),
});

@Controller()
export class DocsController {
  constructor(private readonly document: OpenApiDocument) {}

  @Serve(getOpenApi)
  async get() {
    return this.document.json;
  }
}
