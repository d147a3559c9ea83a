/** Thrown for what a file is or claims to be; the message is for its owner and names what would help. */
export class ImageRefusal extends Error {
  override readonly name = 'ImageRefusal';
}

/** @throws ImageRefusal unless `holds` */
export function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new ImageRefusal(otherwise);
}
