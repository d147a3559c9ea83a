import { createdTokenView, createTokenBody, tokenView } from '@berth/contracts/http/access.js';
import { pageOf as pageViewOf, pageQuery } from '@berth/contracts/http/page.js';
import { id } from '@berth/contracts/primitives.js';
import { issueToken } from '@berth/database/token-secret.js';
import { TokenRepository } from '@berth/database/token.repository.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Input } from '../http/input.js';
import { pageOf, positionOf } from '../http/page.js';
import { route, Serve, type InputOf } from '../http/route.js';

const tag = 'Projects and tokens';
const beforeAll = '00000000-0000-0000-0000-000000000000';

const createToken = route({
  method: 'POST',
  path: '/tokens',
  tag,
  summary: 'Create a token; its text is shown this once',
  role: 'admin',
  inProject: true,
  body: createTokenBody,
  status: 201,
  answer: createdTokenView,
});
const listTokens = route({
  method: 'GET',
  path: '/tokens',
  tag,
  summary: 'List tokens of the project',
  role: 'admin',
  inProject: true,
  query: pageQuery,
  status: 200,
  answer: pageViewOf(tokenView),
});
const revokeToken = route({
  method: 'DELETE',
  path: '/tokens/:token',
  tag,
  summary: 'Revoke a token: refused everywhere within 5 seconds',
  role: 'admin',
  inProject: true,
  params: z.strictObject({ token: id }),
  status: 200,
  answer: tokenView,
  problems: ['not-found'],
});

@Controller()
export class TokensController {
  constructor(private readonly tokens: TokenRepository) {}

  @Serve(createToken)
  async create(@Input() { body, access }: InputOf<typeof createToken>) {
    const { id, text, secretHash } = issueToken();
    const { name, role, expiresInHours = null } = body;
    const made = { id, projectId: access.projectId, name, role, secretHash, expiresInHours };
    return { ...(await this.tokens.create(made, access.tokenId)), token: text };
  }

  @Serve(listTokens)
  async list(@Input() { query: { limit, cursor }, access }: InputOf<typeof listTokens>) {
    const after = positionOf(cursor, 'string')?.[1] ?? beforeAll;
    const tokens = await this.tokens.list(access.projectId, after, limit + 1);
    return pageOf(tokens, limit, ({ id }) => ['', id]);
  }

  @Serve(revokeToken)
  async revoke(@Input() { params, access }: InputOf<typeof revokeToken>) {
    return this.tokens.revoke(access.projectId, params.token, access.tokenId);
  }
}
