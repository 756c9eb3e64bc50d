/**
 * Whether the memtable that takes writes is full: by its own bytes, or by those of the log that it keeps from being dropped.
 *
 * Pinned by test/unit/storage/memtable/memtable-room.test.ts.
 */
import type { Limits } from '../../base/limits'

/** The room of one memtable after the other. */
export class MemtableRoom {
  readonly #limits: Limits
  /** The log's bytes when the memtable was begun, and now. */
  #logBytesBefore = 0
  #logBytes = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** The log has `bytes` by now. */
  logged(bytes: number): void {
    this.#logBytes = bytes
  }

  /** A new memtable takes writes. */
  begin(): void {
    this.#logBytesBefore = this.#logBytes
  }

  /** Whether a memtable of `bytes` is to be frozen. */
  isFull(bytes: number): boolean {
    const { memtableBytesMax, walBytesMax } = this.#limits
    return bytes >= memtableBytesMax || this.#logBytes - this.#logBytesBefore >= walBytesMax
  }
}
