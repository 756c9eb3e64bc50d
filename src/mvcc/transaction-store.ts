/**
 * The transaction layer put together: begins transactions, serves lone reads, publishes, and survives the failure of the log.
 *
 *      begin (decided) ----> reads, writes ----> commit: decided ----> log ----> published, acknowledged
 *      begin readOnly, get, scan, snapshot (published)
 *
 * It implements `Store` over any `Engine`. The rules live in rules.ts, their state in conflict-graph.ts.
 * Pinned by test/model (against brute force), test/scripts (named schedules) and test/unit/mvcc.
 * Spec: SSI!BeginUnderGate.
 */
import { present } from '../base/assert'
import type { Key } from '../base/bytes'
import { LimitExceededError } from '../base/errors'
import type { KeyRange } from '../base/key-range'
import type { Limits } from '../base/limits'
import type { Sequence } from '../base/sequence'
import type { SerializationReport } from '../base/serialization-report'
import type { Runtime } from '../runtime/runtime'
import type { Engine, EngineCursor } from '../storage/engine'
import { describeReport } from './abort-report'
import { Acknowledgements, createPoisonedError } from './acknowledgements'
import { BulkLoad } from './bulk-load'
import { Chain } from './chain'
import { ConflictGraph } from './conflict-graph'
import type {
  BeginOptions,
  Now,
  Store,
  StoreCheckpoint,
  StoreCursor,
  StoreLoad,
  StoreOptions,
  StoreSnapshot,
  StoreStats,
  StoreTransaction,
  Waiting,
} from './contract'
import { Deferred } from './deferred'
import type { Environment } from './environment'
import { isSerializationError } from './environment'
import { LoneCursor, fillPage, loneGet, loneGetMany, loneGetSync } from './lone-reads'
import { ReadOnlyTransaction } from './read-only-transaction'
import { ReadWriteTransaction } from './read-write-transaction'
import { SafeSnapshots } from './safe-snapshot'
import { SnapshotSet } from './snapshots'
import { storeFigures } from './store-figures'
import { WaitQueues } from './wait-queues'

/** Creates the transaction layer over an engine that nothing is attached to yet. */
export function createTransactionStore(
  runtime: Runtime,
  engine: Engine,
  limits: Limits,
  options: StoreOptions,
): TransactionStore {
  return new TransactionStore(runtime, engine, limits, options)
}

/** See the file's header. */
export class TransactionStore implements Store {
  readonly #environment: Environment
  readonly #options: StoreOptions
  readonly #safeSnapshots = new SafeSnapshots()
  #nextId = 1
  #commitsRunning = 0
  #settled: Deferred<void> | undefined = undefined
  #commits = 0
  #aborts = 0
  #conservativeAborts = 0
  /** Decisions under way: 1 within a commit's synchronous step, else 0. */
  #decisions = 0
  readonly #unreported: SerializationReport[] = []
  /** Those under way. */
  readonly #loads = new Set<BulkLoad>()

  constructor(runtime: Runtime, engine: Engine, limits: Limits, options: StoreOptions) {
    this.#options = options
    const graph = new ConflictGraph(limits, engine.recoveredSequence)
    const acknowledgements = new Acknowledgements()
    this.#environment = {
      runtime,
      engine,
      limits,
      graph,
      acknowledgements,
      queues: new WaitQueues(runtime.scheduler, limits.gateLeaseMs),
      untracked: new SnapshotSet(),
      open: new Chain(),
      aborted: (error) => {
        this.#noteAbort(error)
      },
      deciding: (change) => {
        this.#noteDeciding(change)
      },
      committing: (change) => {
        this.#noteCommitting(change)
      },
      committed: () => {
        this.#commits++
      },
      poisonedInstead: (error) => {
        const { failure } = acknowledgements
        return failure === undefined
          ? error
          : createPoisonedError('read what commits in flight had overwritten', failure)
      },
    }
    graph.core.onEnded = (node) => {
      if (this.#safeSnapshots.size > 0) this.#safeSnapshots.onEnded(node)
    }
    engine.attach({
      onPublished: (sequence) => {
        this.#publish(sequence)
      },
      onPoisoned: (cause) => {
        this.#poison(cause)
      },
      liveSnapshots: () => this.#liveSnapshots(),
    })
  }

  begin(options: BeginOptions = {}): StoreTransaction {
    const { limits, open, graph, acknowledgements } = this.#environment
    if (open.size >= limits.transactionsActiveMax) {
      throw new LimitExceededError(
        `Cannot begin a transaction: ${String(open.size)} are open, and transactionsActiveMax is ${String(limits.transactionsActiveMax)}; commit or roll back some`,
      )
    }
    const id = this.#nextId++
    const durability = options.durability ?? this.#options.durability
    if (options.readOnly === true || options.deferrable === true) {
      return new ReadOnlyTransaction(this.#environment, id, durability, options, this.#safeSnapshots)
    }
    // Rule 1; after the log failed, what is decided and not published never will be.
    const snapshot = acknowledgements.failure === undefined ? graph.core.decided : graph.core.published
    return new ReadWriteTransaction(this.#environment, id, snapshot, durability, options)
  }

  beginUnderGate(options: BeginOptions = {}): Waiting<StoreTransaction> {
    const { queues } = this.#environment
    const outcome = new Deferred<StoreTransaction>()
    const seeker = queues.seekGate()
    let cancelled: Error | undefined
    seeker.promise.then(
      () => {
        if (cancelled !== undefined) {
          queues.passGate()
          return
        }
        this.#beginGranted(options, outcome)
      },
      () => undefined,
    )
    return {
      result: outcome.promise,
      cancel: (error) => {
        if (cancelled !== undefined) return
        cancelled = error
        queues.leaveGate(seeker)
        outcome.reject(error)
      },
    }
  }

  #beginGranted(options: BeginOptions, outcome: Deferred<StoreTransaction>): void {
    const { queues } = this.#environment
    try {
      const transaction = this.begin(options)
      if (transaction instanceof ReadWriteTransaction) queues.holdGate(transaction)
      else queues.passGate()
      outcome.resolve(transaction)
    } catch (error) {
      queues.passGate()
      outcome.reject(error as Error)
    }
  }

  get(key: Key): Now<Buffer | undefined> {
    return loneGet(this.#environment, key)
  }

  getSync(key: Key): Buffer | undefined {
    return loneGetSync(this.#environment, key)
  }

  getMany(keys: readonly Key[]): Now<(Buffer | undefined)[]> {
    return loneGetMany(this.#environment, keys)
  }

  openCursor(range: KeyRange, { reverse }: { readonly reverse: boolean }): StoreCursor {
    return new LoneCursor(this.#environment, range, reverse)
  }

  snapshot(label?: string): StoreSnapshot {
    const sequence = this.#environment.graph.core.published
    this.#environment.untracked.add(sequence)
    return createSnapshot(this.#environment, sequence, label)
  }

  safeSnapshot(label?: string): Waiting<StoreSnapshot> {
    const waiting = this.#safeSnapshots.take(this.#environment, this.#nextId++, label)
    const result = waiting.result.then((sequence) => createSnapshot(this.#environment, sequence, label))
    // Whoever gives up need not look at it.
    result.catch(() => undefined)
    return {
      result,
      cancel: (error) => {
        waiting.cancel(error)
      },
    }
  }

  safeCheckpoint(): Waiting<StoreCheckpoint> {
    const { engine, untracked } = this.#environment
    let pinned: StoreCheckpoint | undefined
    const waiting = this.#safeSnapshots.take(this.#environment, this.#nextId++, undefined, {
      hold: (sequence) => (pinned = engine.pinCheckpoint(sequence)) !== undefined,
      letGo: () => pinned?.release(),
    })
    const result = waiting.result.then((sequence) => {
      // From here on the files show it: no version in memory needs to be kept for it.
      untracked.remove(sequence)
      return present(pinned, 'what a safe snapshot shows is held')
    })
    result.catch(() => undefined)
    return { result, cancel: (error) => waiting.cancel(error) }
  }

  load(label?: string): StoreLoad {
    const { loadsActiveMax } = this.#environment.limits
    if (this.#loads.size >= loadsActiveMax) {
      throw new LimitExceededError(
        `Cannot load: ${String(this.#loads.size)} loads are under way, and loadsActiveMax is ${String(loadsActiveMax)}; wait until one has ended`,
      )
    }
    const onEnded = (): void => void this.#loads.delete(load)
    const load = new BulkLoad(this.#environment, { id: this.#nextId++, label, onEnded })
    this.#loads.add(load)
    return load
  }

  open(): Iterable<StoreTransaction | StoreSnapshot> {
    return this.#environment.open
  }

  settled(): Promise<void> {
    if (this.#commitsRunning === 0) return Promise.resolve()
    this.#settled ??= new Deferred()
    return this.#settled.promise
  }

  /** ATOMIC: publishing and acknowledging are one step, so an acknowledgement before a begin implies the order. */
  #publish(sequence: Sequence): void {
    this.#environment.graph.publish(sequence)
    this.#environment.acknowledgements.publish(sequence)
  }

  /** Nothing above the published sequence will ever be: whoever read that has read nothing. */
  #poison(cause: Error): void {
    const { acknowledgements, graph, open } = this.#environment
    acknowledgements.fail(cause)
    for (const transaction of [...open]) {
      if (!('abort' in transaction) || transaction.snapshot <= graph.core.published) continue
      transaction.abort(createPoisonedError('go on with a transaction that has read unpublished commits', cause))
    }
  }

  *#liveSnapshots(): IterableIterator<Sequence> {
    yield* this.#environment.graph.core.snapshots.values()
    yield* this.#environment.untracked.values()
  }

  #noteAbort(error: Error): void {
    if (!isSerializationError(error)) return
    this.#aborts++
    if (error.report.conservative) this.#conservativeAborts++
    if (this.#options.onAbort === undefined) return
    this.#unreported.push(error.report)
    if (this.#decisions === 0) this.#reportAborts()
  }

  /** No code of the user runs within a decision: what it does to the store would find the graph halfway. */
  #noteDeciding(change: 1 | -1): void {
    this.#decisions += change
    if (this.#decisions === 0 && this.#unreported.length > 0) this.#reportAborts()
  }

  #reportAborts(): void {
    for (let report = this.#unreported.shift(); report !== undefined; report = this.#unreported.shift()) {
      this.#options.onAbort?.(report, describeReport(report))
    }
  }

  #noteCommitting(change: 1 | -1): void {
    this.#commitsRunning += change
    if (this.#commitsRunning > 0) return
    const settled = this.#settled
    this.#settled = undefined
    settled?.resolve()
  }

  stats(): StoreStats {
    return storeFigures(this.#environment, {
      loadsActive: this.#loads.size,
      commits: this.#commits,
      aborts: this.#aborts,
      conservativeAborts: this.#conservativeAborts,
    })
  }

  checkInvariants(): void {
    this.#environment.graph.checkInvariants()
    this.#environment.queues.checkInvariants()
  }
}

function createSnapshot(environment: Environment, sequence: Sequence, label: string | undefined): StoreSnapshot {
  const { engine, untracked, open, runtime } = environment
  let closed = false
  const snapshot: StoreSnapshot = {
    sequence,
    label,
    begunMs: runtime.clock.monotonicMs(),
    get: (key) => engine.get(key, sequence),
    getSync: (key) => engine.getSync(key, sequence),
    openCursor: (range, { reverse }) => createPagedCursor(engine.openCursor(range, sequence, reverse)),
    close: () => {
      if (closed) return
      closed = true
      open.remove(link)
      untracked.remove(sequence)
    },
  }
  const link = open.add(snapshot)
  return snapshot
}

/** An engine's cursor with pages. */
function createPagedCursor(source: EngineCursor): StoreCursor {
  return {
    next: () => source.next(),
    nextPage: (rows, visit) => fillPage(source, rows, 0, visit),
    get key() {
      return source.key
    },
    keyBuffer: () => source.keyBuffer(),
    value: () => source.value(),
    close: () => {
      source.close()
    },
  }
}
