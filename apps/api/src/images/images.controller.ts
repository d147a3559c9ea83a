import { createImageBody, imageView, type ImageSource } from '@berth/contracts/http/access.js';
import { pageOf, pageQuery } from '@berth/contracts/http/page.js';
import { reference } from '@berth/contracts/primitives.js';
import { ImageRepository } from '@berth/database/image.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { pageByName } from '../http/page.js';
import { route, Serve, type InputOf } from '../http/route.js';

const tag = 'Catalogue';

const registerImage = route({
  method: 'POST',
  path: '/images',
  tag,
  summary: 'Register an image that lies on every node',
  role: 'admin',
  body: createImageBody,
  status: 201,
  answer: imageView,
  problems: ['name-taken'],
});
const listImages = route({
  method: 'GET',
  path: '/images',
  tag,
  summary: 'List images',
  role: 'viewer',
  query: pageQuery,
  status: 200,
  answer: pageOf(imageView),
});
const getImage = route({
  method: 'GET',
  path: '/images/:image',
  tag,
  summary: 'Get an image',
  role: 'viewer',
  params: z.strictObject({ image: reference }),
  status: 200,
  answer: imageView,
  problems: ['not-found'],
});

@Controller()
export class ImagesController {
  constructor(private readonly images: ImageRepository) {}

  @Serve(registerImage)
  async register(@Input() { body, access }: InputOf<typeof registerImage>) {
    const { kind: format, kernel } = body.source;
    return this.images.create({ ...body, format, sha256: kernel.sha256 }, access.tokenId);
  }

  @Serve(listImages)
  async list(@Input() { query }: InputOf<typeof listImages>) {
    return pageByName(query, (after, size) => this.images.list<ImageSource>(after, size));
  }

  @Serve(getImage)
  async get(@Input() { params: { image } }: InputOf<typeof getImage>) {
    return found(await this.images.find<ImageSource>(referenceOf(image)), 'image', image);
  }
}
