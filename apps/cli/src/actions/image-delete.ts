import type { ImageView } from '@berth/contracts/http/image.js';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { imageNoun } from '../nouns/image.js';
import { confirm } from '../output/confirm.js';

export async function deleteImages(
  invocation: Invocation,
  references: readonly string[],
  flags: { readonly yes?: true },
): Promise<void> {
  const api = invocation.api();
  const images = await Promise.all(references.map((reference) => findOne(api, imageNoun, reference)));
  await confirm(`delete ${images.map(({ name }) => name).join(', ')}?`, flags.yes === true);
  for (const { id } of images) {
    const { name } = await api.call<ImageView>({ method: 'DELETE', path: `/images/${id}` });
    invocation.print(name);
  }
}
