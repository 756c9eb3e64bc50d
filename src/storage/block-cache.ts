/** Parsed blocks of all tables in bounded memory. (Signatures first; the body follows.) */
export class BlockCache {
  constructor(_options: { readonly bytesMax: number }) {
    throw new Error('not built yet')
  }
  get bytes(): number {
    throw new Error('not built yet')
  }
  get blocks(): number {
    throw new Error('not built yet')
  }
  readonly hits: number = 0
  readonly misses: number = 0
}
