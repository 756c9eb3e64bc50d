/**
 * The last key that a table under construction was given: where it lies, or a copy of it.
 *
 * Rows that are copied by stretches leave their keys in the block builder, where the last one can be looked at until the builder
 * is given the first row of its next block; so nothing is copied for each stretch. Pinned by test/unit/storage/table/table-writer.test.ts.
 */
import { bytesToKey } from '../../base/bytes'
import type { Key } from '../../base/bytes'
import { compareViews, copyInto } from '../files/bytes-in-place'

const KEY_BYTES_INITIAL = 256

/** A key, or none yet. */
export class LastKey {
  #own = Buffer.allocUnsafeSlow(KEY_BYTES_INITIAL)
  #ownView = new DataView(this.#own.buffer)
  #view: DataView = this.#ownView
  #at = 0
  #length = -1

  /** Whether there is one. */
  get isKnown(): boolean {
    return this.#length !== -1
  }

  /** The key is `view[at, at + length)`, until `keep` or the next call at the latest. */
  lieAt(view: DataView, at: number, length: number): void {
    this.#view = view
    this.#at = at
    this.#length = length
  }

  /** The key is a copy of `bytes[0, length)`. */
  copy(bytes: Uint8Array, length: number): void {
    this.#grow(length)
    copyInto(this.#own, 0, bytes, 0, length)
    this.lieAt(this.#ownView, 0, length)
  }

  /** Copies the key from where it lies: that place is about to be used again. */
  keep(): void {
    if (this.#view === this.#ownView || this.#length === -1) return
    const [view, at, length] = [this.#view, this.#at, this.#length]
    this.copy(new Uint8Array(view.buffer, view.byteOffset + at, length), length)
  }

  /** The order of `view[0, length)` and the key. REQUIRES: there is one. */
  compare(view: DataView, length: number): number {
    return compareViews(view, 0, length, this.#view, this.#at, this.#length)
  }

  /** The same of bytes. */
  compareBytes(bytes: Uint8Array, length: number): number {
    const [view, at] = [this.#view, this.#at]
    const shared = Math.min(length, this.#length)
    for (let i = 0; i < shared; i++) {
      const difference = bytes[i]! - view.getUint8(at + i)
      if (difference !== 0) return difference
    }
    return length - this.#length
  }

  toKey(): Key {
    return bytesToKey(new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at, this.#length))
  }

  #grow(length: number): void {
    if (length <= this.#own.length) return
    this.#own = Buffer.allocUnsafeSlow(2 * length)
    this.#ownView = new DataView(this.#own.buffer)
  }
}
