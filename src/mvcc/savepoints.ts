/**
 * The open savepoints of one transaction, nested; they undo writes, never reads.
 *
 * Ending one ends those nested in it. Pinned by schedule 6 of test/scripts and test/unit/mvcc/write-buffer.test.ts.
 * Spec: SSI!Savepoint, SSI!RollbackToSavepoint, SSI!ReleaseSavepoint.
 */
import type { StoreSavepoint } from './contract'
import type { WriteBuffer } from './write-buffer'

interface Savepoint {
  /** The newest write before it. */
  readonly ordinal: number
}

/** See the file's header. */
export class Savepoints {
  readonly #writes: WriteBuffer
  readonly #check: () => void
  readonly #beforeRollback: (ordinal: number) => void
  readonly #open: Savepoint[] = []

  /** `check` throws if the transaction has ended; `beforeRollback` is told the ordinal after which writes are undone. */
  constructor(writes: WriteBuffer, check: () => void, beforeRollback: (ordinal: number) => void) {
    this.#writes = writes
    this.#check = check
    this.#beforeRollback = beforeRollback
  }

  get isAnyOpen(): boolean {
    return this.#open.length > 0
  }

  begin(): StoreSavepoint {
    const savepoint: Savepoint = { ordinal: this.#writes.ordinal }
    this.#writes.hold()
    this.#open.push(savepoint)
    return {
      rollback: () => {
        this.#end(savepoint, true)
      },
      release: () => {
        this.#end(savepoint, false)
      },
    }
  }

  #end(savepoint: Savepoint, undo: boolean): void {
    this.#check()
    const place = this.#open.indexOf(savepoint)
    if (place < 0) return
    if (undo) {
      this.#beforeRollback(savepoint.ordinal)
      this.#writes.rollbackTo(savepoint.ordinal)
    }
    const ended = this.#open.splice(place)
    for (let i = 0; i < ended.length; i++) this.#writes.unhold()
  }
}
