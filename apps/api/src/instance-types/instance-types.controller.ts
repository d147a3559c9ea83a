import { createInstanceTypeBody, instanceTypeView } from '@berth/contracts/http/access.js';
import { pageOf, pageQuery } from '@berth/contracts/http/page.js';
import { catalogueName } from '@berth/contracts/primitives.js';
import { InstanceTypeRepository } from '@berth/database/instance-type.repository.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { pageByName } from '../http/page.js';
import { route, Serve, type InputOf } from '../http/route.js';

const tag = 'Catalogue';

const createType = route({
  method: 'POST',
  path: '/instance-types',
  tag,
  summary: 'Name a shape',
  role: 'admin',
  body: createInstanceTypeBody,
  status: 201,
  answer: instanceTypeView,
  problems: ['name-taken'],
});
const listTypes = route({
  method: 'GET',
  path: '/instance-types',
  tag,
  summary: 'List instance types',
  role: 'viewer',
  query: pageQuery,
  status: 200,
  answer: pageOf(instanceTypeView),
});

const getType = route({
  method: 'GET',
  path: '/instance-types/:type',
  tag,
  summary: 'Get an instance type',
  role: 'viewer',
  params: z.strictObject({ type: catalogueName }),
  status: 200,
  answer: instanceTypeView,
  problems: ['not-found'],
});

@Controller()
export class InstanceTypesController {
  constructor(private readonly types: InstanceTypeRepository) {}

  @Serve(createType)
  async create(@Input() { body, access }: InputOf<typeof createType>) {
    return this.types.create(body, access.tokenId);
  }

  @Serve(listTypes)
  async list(@Input() { query }: InputOf<typeof listTypes>) {
    return pageByName(query, (after, size) => this.types.list(after, size));
  }

  @Serve(getType)
  async get(@Input() { params: { type } }: InputOf<typeof getType>) {
    return found(await this.types.find(type), 'instance type', type);
  }
}
