/**
 * A bulk load of the in-memory engine: rows in a list, then one batch.
 *
 * Obviously right rather than good: looking whether the range is empty and filling it are one synchronous step, so nothing has
 * to be kept away meanwhile. Pinned by test/contract/engine/bulk-load.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { keySuccessor } from '../../base/bytes'
import { DatabaseClosedError } from '../../base/errors'
import type { KeyRange } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { BatchEntry, Engine, EngineLoad, LoadDoor } from '../engine'
import { ENTRY_PUT, batchBytes } from '../engine'
import { rangeNotEmpty } from '../range-not-empty'

/** What a load needs to know of its engine. */
export interface MemoryLoadState {
  /** The sequence of the next commit. */
  nextSequence(): Sequence
  /** The first key of the range that has a value. */
  firstKeyIn(range: KeyRange): Key | undefined
  /** Throws if the engine is closed or poisoned. */
  checkWritable(): void
}

/** See the file's header. */
export class MemoryLoad implements EngineLoad {
  readonly #engine: Pick<Engine, 'reserve' | 'unreserve' | 'append'>
  readonly #state: MemoryLoadState
  readonly #rows: BatchEntry[] = []
  #isEnded = false

  constructor(engine: Pick<Engine, 'reserve' | 'unreserve' | 'append'>, state: MemoryLoadState) {
    this.#engine = engine
    this.#state = state
  }

  add(key: Key, value: Uint8Array): undefined {
    this.#check()
    const last = this.#rows.at(-1)
    assert(last === undefined || key > last.key, 'loaded keys ascend')
    this.#rows.push({ kind: ENTRY_PUT, key, value: Buffer.from(value), end: undefined })
    return undefined
  }

  async commit(door: LoadDoor): Promise<void> {
    this.#check()
    assert(this.#rows.length > 0, 'a load that is committed has a row')
    this.#isEnded = true
    const bytes = batchBytes(this.#rows)
    await door.enter()
    try {
      await this.#engine.reserve(bytes, false)
      this.#decide(door, bytes)
    } finally {
      door.leave()
    }
  }

  /** ATOMIC: no await. */
  #decide(door: LoadDoor, bytes: number): void {
    const { start, last } = { start: this.#rows[0]!.key, last: this.#rows.at(-1)!.key }
    let isAppended = false
    try {
      this.#state.checkWritable()
      const found = this.#state.firstKeyIn({ start, end: keySuccessor(last) })
      if (found !== undefined) throw rangeNotEmpty({ start, last }, found)
      const sequence = this.#state.nextSequence()
      door.decide(sequence, () => {
        this.#engine.append(this.#rows, bytes, sequence, 'sync')
        isAppended = true
      })
    } finally {
      if (!isAppended) this.#engine.unreserve(bytes)
    }
  }

  discard(): Promise<void> {
    this.#isEnded = true
    return Promise.resolve()
  }

  #check(): void {
    this.#state.checkWritable()
    if (this.#isEnded) throw new DatabaseClosedError('Cannot go on with the load: it was given up')
  }
}
