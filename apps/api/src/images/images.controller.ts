import {
  createImageBody,
  imageView,
  uploadMediaType,
  uploadQuery,
  type ImageSource,
} from '@berth/contracts/http/image.js';
import { pageOf, pageQuery } from '@berth/contracts/http/page.js';
import { reference } from '@berth/contracts/primitives.js';
import { ImageRepository } from '@berth/database/image.repository.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Input } from '../http/input.js';
import { pageByName } from '../http/page.js';
import { route, Serve, type InputOf } from '../http/route.js';
import { ImagesService } from './images.service.js';

const tag = 'Catalogue';
const params = z.strictObject({ image: reference });

const registerImage = route({
  method: 'POST',
  path: '/images',
  tag,
  summary: 'Register an image',
  description:
    'From a URL it is fetched, from an upload its bytes follow; both are inspected and converted before it is ' +
    'active. Of a kernel-upload those are the bytes of the kernel, then of its RAM disk; what is kernel-initrd lies ' +
    'on every node already.',
  role: 'operator',
  inProject: true,
  body: createImageBody,
  status: 201,
  answer: imageView,
  problems: ['name-taken'],
});
const uploadContent = route({
  method: 'PUT',
  path: '/images/:image/content',
  tag,
  summary: 'Upload the next piece of an image',
  description:
    'Begins where the last piece ended: at `receivedBytes` of the image, also after a piece that broke off. A piece ' +
    'has 15 seconds to arrive. With the last one the import begins.',
  role: 'operator',
  inProject: true,
  params,
  query: uploadQuery,
  bytes: uploadMediaType,
  status: 200,
  answer: imageView,
  problems: ['state-conflict'],
});
const listImages = route({
  method: 'GET',
  path: '/images',
  tag,
  summary: 'List the images of the project and the public ones',
  role: 'viewer',
  inProject: true,
  query: pageQuery,
  status: 200,
  answer: pageOf(imageView),
});
const getImage = route({
  method: 'GET',
  path: '/images/:image',
  tag,
  summary: 'Get an image, with its progress while it is imported',
  role: 'viewer',
  inProject: true,
  params,
  status: 200,
  answer: imageView,
});
const deleteImage = route({
  method: 'DELETE',
  path: '/images/:image',
  tag,
  summary: 'Delete an image that no instance uses',
  role: 'operator',
  inProject: true,
  params,
  status: 200,
  answer: imageView,
  problems: ['state-conflict'],
});

@Controller()
export class ImagesController {
  constructor(
    private readonly images: ImagesService,
    private readonly rows: ImageRepository,
  ) {}

  @Serve(registerImage)
  async register(@Input() { body, access }: InputOf<typeof registerImage>) {
    return this.images.create(body, access);
  }

  @Serve(uploadContent)
  async upload(@Input() { params: { image }, query, bytes, access }: InputOf<typeof uploadContent>) {
    return this.images.upload(image, query.offset, bytes, access);
  }

  @Serve(listImages)
  async list(@Input() { query, access }: InputOf<typeof listImages>) {
    return pageByName(query, (after, size) => this.rows.list<ImageSource>(access.projectId, after, size));
  }

  @Serve(getImage)
  async get(@Input() { params: { image }, access }: InputOf<typeof getImage>) {
    return this.images.get(image, access);
  }

  @Serve(deleteImage)
  async delete(@Input() { params: { image }, access }: InputOf<typeof deleteImage>) {
    return this.images.delete(image, access);
  }
}
