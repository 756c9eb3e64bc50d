/**
 * A bulk load as a commit among the others: it reads its range, which is empty, and writes it, in one synchronous step.
 *
 *      rows -> tables ... gate, no commits for a moment, range empty, durable -> ATOMIC: begin, read range, commit -> published
 *
 * 1. Its snapshot is the newest decided and nothing is decided between looking and deciding, so it has read nothing stale: the rules
 *    never refuse it. What it overwrites (absence, for whoever scanned the range or looked for a key in it) are edges as of any write.
 * 2. The whole range counts as written, from the first key to the last, as a range deletion's does.
 * 3. It holds the commit gate meanwhile: who was let through to commit alone is not made to lose by it.
 * 4. However it ends, by a commit, a failure or by being given up, whoever began it is told: its place is free then (`loadsActiveMax`).
 *
 * Pinned by test/unit/mvcc/bulk-load.test.ts.
 */
import { assert, present } from '../base/assert'
import type { Key } from '../base/bytes'
import { keySuccessor } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { EngineLoad } from '../storage/engine'
import { ENTRY_DELETE_RANGE } from '../storage/engine'
import type { CommitReceipt, StoreLoad } from './contract'
import { Deferred } from './deferred'
import type { Environment } from './environment'
import type { Owner, OwnerWaits } from './wait-queues'

/** See the file's header. */
export class BulkLoad implements StoreLoad, Owner {
  readonly id: number
  readonly label: string | undefined
  /** `Owner`, for the queues alone. */
  waits: OwnerWaits | undefined = undefined
  readonly #environment: Environment
  readonly #load: EngineLoad
  readonly #onEnded: () => void
  #firstKey: Key | undefined
  #lastKey: Key = ''

  /** `onEnded` may be told several times. */
  constructor(
    environment: Environment,
    { id, label, onEnded }: { readonly id: number; readonly label: string | undefined; readonly onEnded: () => void },
  ) {
    this.#environment = environment
    this.id = id
    this.label = label
    this.#onEnded = onEnded
    this.#load = environment.engine.beginLoad()
  }

  add(key: Key, value: Uint8Array): undefined | Promise<void> {
    this.#firstKey ??= key
    this.#lastKey = key
    return this.#load.add(key, value)?.catch((error: unknown) => {
      this.#onEnded()
      throw error
    })
  }

  async commit(): Promise<CommitReceipt> {
    const start = present(this.#firstKey, 'a load that is committed has a row')
    const range = { start, end: keySuccessor(this.#lastKey) }
    const acknowledged = new Deferred<CommitReceipt>()
    this.#environment.committing(1)
    try {
      await this.#load.commit({
        enter: () => this.#enterGate(),
        leave: () => {
          this.#environment.queues.releaseAll(this, undefined)
        },
        decide: (sequence, accept) => {
          this.#decide({ range, sequence, acknowledged }, accept)
        },
      })
      return await acknowledged.promise
    } finally {
      this.#environment.committing(-1)
      this.#onEnded()
    }
  }

  async discard(): Promise<void> {
    await this.#load.discard()
    this.#onEnded()
  }

  /** `Owner`: it waits for no key, so no deadlock can choose it. */
  abort(): void {
    assert(false, 'a load waits for nobody that could wait for it')
  }

  async #enterGate(): Promise<void> {
    const { queues } = this.#environment
    await queues.seekGate().promise
    queues.holdGate(this)
  }

  /** Rules 1, 2 and 4. ATOMIC: no await. */
  #decide(
    commit: { readonly range: KeyRange; readonly sequence: Sequence; readonly acknowledged: Deferred<CommitReceipt> },
    accept: () => void,
  ): void {
    const { graph, acknowledgements } = this.#environment
    const { range, sequence, acknowledged } = commit
    this.#environment.deciding(1)
    try {
      const node = graph.begin(this.id, this.label, graph.core.decided, true, () => {
        assert(false, 'a load is decided in the step in which it begins')
      })
      graph.readRange(node, range, { entry: undefined, floor: { entry: undefined, index: undefined } })
      const written = [{ kind: ENTRY_DELETE_RANGE, key: range.start, value: undefined, end: range.end }] as const
      const decided = graph.commit(node, written, { append: accept })
      assert(decided === sequence, 'a load is decided as what it was recorded as')
    } finally {
      this.#environment.deciding(-1)
    }
    acknowledgements.addCommit({
      commitSequence: sequence,
      acknowledged: (error) => {
        if (error !== undefined) acknowledged.reject(error)
        else {
          this.#environment.committed()
          acknowledged.resolve({ sequence, durable: true })
        }
      },
    })
  }
}
