/** Holds the document, which can only be made once all routes are known. */
export class OpenApiDocument {
  constructor(readonly json: Record<string, unknown>) {}
}
