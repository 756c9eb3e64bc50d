/**
 * Safe snapshots: a published sequence at which nothing that is read can ever be part of a cycle.
 *
 * A deferrable reader takes the published sequence and waits until each read-write transaction that was active or
 * unpublished then has ended. If one of them was decided with a missed commit, or a `low`, at or below that sequence, it takes
 * the newest published and starts over; else the snapshot is safe and nothing read at it need be tracked. While it waits
 * its snapshot counts as active. (After Ports and Grittner, VLDB 2012, section 4.3; unpublished ones added: schedule 3.)
 * Pinned by schedule 3 of test/scripts and test/unit/mvcc/safe-snapshot.test.ts.
 * Spec: SSI!BeginDeferrable.
 */
import type { Sequence } from '../base/sequence'
import type { Waiting } from './contract'
import { Deferred } from './deferred'
import type { Environment } from './environment'
import type { Reader } from './conflict-graph'
import { leavesUnsafe } from './rules'
import type { TransactionNode } from './transaction-node'

/** What a wait holds of each sequence that it tries, from the step on in which it takes that sequence. */
export interface TrialHold {
  /** False if this sequence cannot be had any more; one that is published later can. */
  hold(sequence: Sequence): boolean
  /** The sequence was not safe, or the wait was given up. Called once for each `hold` that gave true, but for the last if it is safe. */
  letGo(): void
}

/** Those who wait for safe snapshots; told of every read-write transaction that ends. */
export class SafeSnapshots {
  readonly #waits = new Set<SafeWait>()

  /** Waits for a safe snapshot; when it comes it stands in `environment.untracked`, to be removed by whoever asked. */
  take(environment: Environment, id: number, label: string | undefined, held?: TrialHold): SafeWaiting {
    const onDone = (): void => void this.#waits.delete(wait)
    const wait = new SafeWait(environment, { id, label, held, onDone })
    this.#waits.add(wait)
    wait.start()
    return wait
  }

  /** A read-write transaction was decided or has aborted. */
  onEnded(node: TransactionNode): void {
    for (const wait of [...this.#waits]) wait.onEnded(node)
  }

  get size(): number {
    return this.#waits.size
  }
}

/** A wait for a safe snapshot. */
export interface SafeWaiting extends Waiting<Sequence> {
  /** The sequence under trial; final once `result` has resolved. */
  readonly snapshot: Sequence
}

class SafeWait implements SafeWaiting {
  readonly #environment: Environment
  readonly #reader: Reader
  readonly #outcome = new Deferred<Sequence>()
  readonly #onDone: () => void
  readonly #held: TrialHold | undefined
  #isHolding = false
  /** Transactions that may yet make the snapshot unsafe. */
  readonly #pending = new Set<TransactionNode>()
  #done = false

  constructor(
    environment: Environment,
    options: {
      readonly id: number
      readonly label: string | undefined
      readonly held: TrialHold | undefined
      readonly onDone: () => void
    },
  ) {
    this.#environment = environment
    this.#onDone = options.onDone
    this.#held = options.held
    this.#reader = {
      id: options.id,
      label: options.label,
      snapshot: environment.graph.core.published,
      onDoomed: (error) => {
        this.#finish(error)
      },
    }
  }

  get snapshot(): Sequence {
    return this.#reader.snapshot
  }

  get result(): Promise<Sequence> {
    return this.#outcome.promise
  }

  cancel(error: Error): void {
    if (this.#done) return
    this.#finish(error)
  }

  /** Tries the newest published sequence. */
  start(): void {
    const { graph } = this.#environment
    const { core } = graph
    this.#reader.snapshot = core.published
    graph.beginReader(this.#reader)
    this.#pending.clear()
    if (this.#held !== undefined) {
      this.#isHolding = this.#held.hold(this.#reader.snapshot)
      if (!this.#isHolding) {
        this.#startOver()
        return
      }
    }
    for (const node of core.active) {
      if (node.snapshot < this.#reader.snapshot) this.#pending.add(node)
    }
    for (const node of core.unpublished()) {
      if (!leavesUnsafe(node, this.#reader.snapshot)) continue
      this.#startOver()
      return
    }
    this.#finishIfSafe()
  }

  onEnded(node: TransactionNode): void {
    if (this.#done || !this.#pending.delete(node)) return
    if (node.state !== 'gone' && leavesUnsafe(node, this.#reader.snapshot)) this.#startOver()
    else this.#finishIfSafe()
  }

  #startOver(): void {
    const { graph, acknowledgements } = this.#environment
    const isNewer = graph.core.published > this.#reader.snapshot
    this.#pending.clear()
    this.#letGo()
    graph.endReader(this.#reader)
    if (isNewer) {
      this.start()
      return
    }
    // Until the next publish the answer would be the same; the snapshot need not be held meanwhile.
    acknowledgements.nextPublish().then(
      () => {
        if (!this.#done) this.start()
      },
      (error: unknown) => {
        this.cancel(error as Error)
      },
    )
  }

  #finishIfSafe(): void {
    if (this.#pending.size > 0) return
    const { snapshot } = this.#reader
    this.#environment.untracked.add(snapshot)
    this.#finish(undefined)
    this.#outcome.resolve(snapshot)
  }

  #letGo(): void {
    if (this.#isHolding) this.#held?.letGo()
    this.#isHolding = false
  }

  #finish(error: Error | undefined): void {
    this.#done = true
    if (error !== undefined) this.#letGo()
    this.#pending.clear()
    this.#onDone()
    const { graph } = this.#environment
    if (graph.core.isHeld(this.#reader)) graph.endReader(this.#reader)
    if (error !== undefined) this.#outcome.reject(error)
  }
}
