import { createProjectBody, projectView, quotaBody } from '@berth/contracts/http/access.js';
import { pageOf, pageQuery } from '@berth/contracts/http/page.js';
import { reference } from '@berth/contracts/primitives.js';
import { ProjectRepository } from '@berth/database/project.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { pageByName } from '../http/page.js';
import { route, Serve, type InputOf } from '../http/route.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';

const tag = 'Projects and tokens';
const params = z.strictObject({ project: reference });
/** Of a project that is made without saying otherwise. */
const quotaDefault = { maxInstances: 100, maxVcpus: 200, maxMemoryMib: 262_144 };

const createProject = route({
  method: 'POST',
  path: '/projects',
  tag,
  summary: 'Create a project',
  role: 'admin',
  body: createProjectBody,
  status: 201,
  answer: projectView,
  problems: ['name-taken'],
});
const listProjects = route({
  method: 'GET',
  path: '/projects',
  tag,
  summary: 'List projects',
  role: 'admin',
  query: pageQuery,
  status: 200,
  answer: pageOf(projectView),
});
const getProject = route({
  method: 'GET',
  path: '/projects/:project',
  tag,
  summary: 'Get a project and what it uses of its quota',
  role: 'viewer',
  params,
  status: 200,
  answer: projectView,
  problems: ['not-found'],
});
const setQuota = route({
  method: 'PATCH',
  path: '/projects/:project/quota',
  tag,
  summary: 'Change limits of a project',
  role: 'admin',
  params,
  body: quotaBody,
  status: 200,
  answer: projectView,
  problems: ['not-found'],
});

@Controller()
export class ProjectsController {
  constructor(private readonly projects: ProjectRepository) {}

  @Serve(createProject)
  async create(@Input() { body, access }: InputOf<typeof createProject>) {
    return this.projects.create(body.name, { ...quotaDefault, ...given(body.quota) }, access.tokenId);
  }

  @Serve(listProjects)
  async list(@Input() { query }: InputOf<typeof listProjects>) {
    return pageByName(query, (after, size) => this.projects.list(after, size));
  }

  @Serve(getProject)
  async get(@Input() { params, access }: InputOf<typeof getProject>) {
    const project = await this.projects.find(referenceOf(params.project));
    const visible = access.role === 'admin' || project?.id === access.projectId;
    return found(visible ? project : undefined, 'project', params.project);
  }

  @Serve(setQuota)
  async limit(@Input() { params, body, access }: InputOf<typeof setQuota>) {
    const { id } = found(await this.projects.find(referenceOf(params.project)), 'project', params.project);
    await this.projects.setQuota(id, given(body), access.tokenId);
    return (await this.projects.find({ id, name: '' }))!;
  }
}

/** Without what is undefined, so that it covers no default. */
function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
