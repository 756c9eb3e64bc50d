/**
 * Compression of blocks: the codecs, their numbers on disk, and what this runtime has of them.
 *
 * A codec is a pure function of bytes. `deflate` is in every runtime; `zstd` came to `node:zlib` with Node 22.15, and where it is
 * missing a database that needs it is refused by name. The size that decompressed bytes must have is always known before: a codec
 * never gives more, whatever its input asks for.
 *
 * What it does not do: it knows no blocks (compressed-block.ts). Pinned by test/unit/storage/files/codec.test.ts.
 */
import zlib from 'node:zlib'
import { assert } from '../../base/assert'

/** What an application can ask for. */
export type CodecName = 'none' | 'deflate' | 'zstd'

export const CODEC_NAMES: readonly CodecName[] = ['none', 'deflate', 'zstd']

/** The byte in a block's trailer. DO NOT RENUMBER: on disk. */
export const CODEC_NONE = 0
export const CODEC_DEFLATE = 1
export const CODEC_ZSTD = 2

/** One way to compress. */
export interface Codec {
  /** The byte in a block's trailer. */
  readonly id: number
  compress(bytes: Uint8Array): Uint8Array
  /** Throws unless the result has exactly `plainBytes`, of which never more are made. */
  decompress(bytes: Uint8Array, plainBytes: number): Uint8Array
}

/** The part of `node:zlib` that is used; runtimes before Node 22.15 have no zstd. */
export interface Compression {
  readonly deflateRawSync: (bytes: Uint8Array, options: { readonly level: number }) => Uint8Array
  readonly inflateRawSync: (bytes: Uint8Array, options: OutputBounds) => Uint8Array
  readonly zstdCompressSync?: (bytes: Uint8Array) => Uint8Array
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: OutputBounds) => Uint8Array
}

interface OutputBounds {
  /** Memory that is taken at a time. */
  readonly chunkSize: number
  readonly maxOutputLength: number
}

/** Half the time of the default for a thirtieth more bytes, measured with rows of text. */
const DEFLATE_LEVEL = 3
/** A little more than the result, so that it ends in the first chunk. */
const CHUNK_BYTES_MORE = 64

/** The codecs of a runtime. */
export class Codecs {
  readonly #byName: ReadonlyMap<string, Codec>
  readonly #byId: ReadonlyMap<number, Codec>

  constructor(compression: Compression) {
    this.#byName = createCodecs(compression)
    this.#byId = new Map([...this.#byName.values()].map((codec) => [codec.id, codec]))
  }

  /** The codec of a name. REQUIRES: `problem(name)` is undefined and it is not 'none'. */
  named(name: CodecName): Codec {
    const codec = this.#byName.get(name)
    assert(codec !== undefined, 'a codec is asked for only where the runtime has it')
    return codec
  }

  /** The codec of a block's trailer; undefined for one that is not known or that the runtime lacks. */
  withId(id: number): Codec | undefined {
    return this.#byId.get(id)
  }

  /** Why blocks of this codec cannot be read or written here; undefined if they can. */
  problem(name: string): string | undefined {
    if (name === 'none' || this.#byName.has(name)) return undefined
    if (name === 'zstd') return 'this runtime has no zstd; Node has it from 22.15 on'
    return `this version knows the codecs ${CODEC_NAMES.join(', ')}`
  }

  /** The same for a block's trailer. */
  problemOfId(id: number): string {
    return this.problem(id === CODEC_ZSTD ? 'zstd' : String(id)) ?? 'it is not for this place'
  }
}

function createCodecs(compression: Compression): Map<string, Codec> {
  const { zstdCompressSync, zstdDecompressSync } = compression
  const codecs = new Map<string, Codec>([
    [
      'deflate',
      {
        id: CODEC_DEFLATE,
        compress: (bytes) => compression.deflateRawSync(bytes, { level: DEFLATE_LEVEL }),
        decompress: (bytes, plainBytes) => exactly(compression.inflateRawSync(bytes, boundsOf(plainBytes)), plainBytes),
      },
    ],
  ])
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return codecs
  return codecs.set('zstd', {
    id: CODEC_ZSTD,
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (bytes, plainBytes) => exactly(zstdDecompressSync(bytes, boundsOf(plainBytes)), plainBytes),
  })
}

function boundsOf(plainBytes: number): OutputBounds {
  return { chunkSize: plainBytes + CHUNK_BYTES_MORE, maxOutputLength: plainBytes }
}

function exactly(bytes: Uint8Array, plainBytes: number): Uint8Array {
  if (bytes.length !== plainBytes) throw new RangeError(`it has ${bytes.length} bytes, not ${plainBytes}`)
  return bytes
}

/** Those of this runtime. */
export const codecs = new Codecs(zlib)
