/**
 * Memory of a memtable: chunks of shared memory that are filled from the front; a stretch is known by its place, a number.
 *
 * A stretch begins at a multiple of four bytes and can be read as words and as bytes:
 *
 *   place = chunk number * CHUNK_WORDS + word in the chunk, below 2^32
 *
 * Stretches above STRETCH_SHARE_MAX of a chunk get a chunk of exactly their size. Chunks are `SharedArrayBuffer`s so that a background
 * thread can encode a frozen memtable without a copy. Nothing is freed but all at once; place 0 is never given, so it can mean "none".
 * Pinned by test/unit/storage/memtable/arena.test.ts.
 */
import { assert } from '../../base/assert'

const WORD_BYTES = 4
const CHUNK_WORDS = 1 << 18
const CHUNK_SHIFT = 18
const CHUNK_MASK = CHUNK_WORDS - 1
const CHUNK_BYTES = CHUNK_WORDS * WORD_BYTES
/** The first chunk is small: many memtables hold little. */
const FIRST_CHUNK_BYTES = 64 * 1024
const STRETCH_SHARE_MAX = 1 / 4
const PLACE_FIRST = 1
const CHUNKS_MAX = 1 << (32 - CHUNK_SHIFT)

/** Append-only memory. */
export class Arena {
  readonly #bytes: Buffer[] = []
  readonly #words: Uint32Array[] = []
  readonly #views: DataView[] = []
  /** The chunk being filled; -1 before the first. */
  #current = -1
  /** In words. */
  #used = 0

  /** Another view of the memory of a full arena, in whatever thread: it only reads. */
  static over(chunks: readonly SharedArrayBuffer[]): Arena {
    const arena = new Arena()
    for (const chunk of chunks) arena.#keep(Buffer.from(chunk))
    return arena
  }

  /** The memory itself; nothing is taken any more once it has been handed on. */
  get chunks(): readonly SharedArrayBuffer[] {
    return this.#bytes.map((chunk) => chunk.buffer as unknown as SharedArrayBuffer)
  }

  /** Bytes of memory taken. */
  get memoryBytes(): number {
    let bytes = 0
    for (const chunk of this.#bytes) bytes += chunk.length
    return bytes
  }

  /** Takes a stretch of so many bytes, all zero, and gives its place. */
  take(bytes: number): number {
    const words = Math.ceil(bytes / WORD_BYTES)
    if (this.#current === -1) this.#startChunk(FIRST_CHUNK_BYTES, PLACE_FIRST)
    if (words > CHUNK_WORDS * STRETCH_SHARE_MAX) return this.#addChunk(words * WORD_BYTES) * CHUNK_WORDS
    if (words > this.#words[this.#current]!.length - this.#used) this.#startChunk(CHUNK_BYTES, 0)
    const at = this.#used
    this.#used = at + words
    return this.#current * CHUNK_WORDS + at
  }

  #startChunk(bytes: number, firstWord: number): void {
    this.#current = this.#addChunk(bytes)
    this.#used = firstWord
  }

  #addChunk(bytes: number): number {
    assert(this.#bytes.length < CHUNKS_MAX, 'places of an arena have 32 bits')
    this.#keep(Buffer.from(new SharedArrayBuffer(bytes)))
    return this.#bytes.length - 1
  }

  #keep(chunk: Buffer): void {
    this.#bytes.push(chunk)
    this.#words.push(new Uint32Array(chunk.buffer))
    this.#views.push(new DataView(chunk.buffer))
  }

  /** The words of the chunk that holds `place`, which is at `wordOf(place)`. */
  wordsAt(place: number): Uint32Array {
    const words = this.#words[place >>> CHUNK_SHIFT]
    assert(words !== undefined, 'a place lies in a chunk of its arena')
    return words
  }

  /** Its bytes; the place is at `byteOf(place)`. */
  bytesAt(place: number): Buffer {
    const bytes = this.#bytes[place >>> CHUNK_SHIFT]
    assert(bytes !== undefined, 'a place lies in a chunk of its arena')
    return bytes
  }

  /** The same as a view. */
  viewAt(place: number): DataView {
    const view = this.#views[place >>> CHUNK_SHIFT]
    assert(view !== undefined, 'a place lies in a chunk of its arena')
    return view
  }
}

/** Where in its chunk a place lies, in words. */
export function wordOf(place: number): number {
  return place & CHUNK_MASK
}

/** The same in bytes. */
export function byteOf(place: number): number {
  return (place & CHUNK_MASK) * WORD_BYTES
}
