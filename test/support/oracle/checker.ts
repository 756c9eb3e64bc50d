/**
 * The exact oracle: decides from the guarantee, not from the algorithm, whether a strict serial order exists.
 *
 * A strict serial order of the counted transactions exists exactly if this graph has no cycle:
 *   ww         A wrote a key that B wrote later in commit order (puts and deletes alike, range deletions key by key)
 *   rw         A was shown a key as it was before B's commit overwrote it: B.commit > the sequence A read it at
 *   real-time  A.commit <= B.snapshot
 * (wr edges are real-time edges: what B is shown was committed at or below its snapshot.) Counted are: every committed
 * transaction, with or without writes, and every declared or lone reader from its first read on. A transaction under snapshot
 * isolation counts by its writes alone.
 *
 * Every decision is checked by itself: `findCycle(candidate)` asks whether adding the candidate to an acyclic graph closes a
 * cycle, by a full search over the whole history. Nothing is ever forgotten or summarized; the only bound is the definition's
 * own: whoever is reached with commit <= the candidate's snapshot stands before it, and that is a cycle.
 *
 * Pinned by test/unit/oracle/checker.test.ts, which compares it with brute-force.ts and with a plain matrix closure.
 */
import type { TransactionRecord } from './history'
import { describeRecord } from './history'
import type { Interval } from './intervals'
import { intervalContains, intervalsOverlap, isEmptyInterval, setsOverlap } from './intervals'

/** One edge of a found cycle. */
export interface FoundEdge {
  readonly from: TransactionRecord
  readonly to: TransactionRecord
  readonly kind: 'rw' | 'ww' | 'real-time'
}

/** A cycle through the candidate: it begins and ends there. */
export type FoundCycle = readonly FoundEdge[]

/** What a transaction would be if it were counted now. */
export type Candidate = Pick<TransactionRecord, 'snapshot' | 'reads' | 'writes'>

interface Write {
  readonly commit: number
  readonly record: TransactionRecord
}
interface RangeWrite extends Write {
  readonly interval: Interval
}

/** The kinds of edge from `a` to `b`, straight from the definition; undefined if there is none. */
export function edgeKind(a: TransactionRecord, b: TransactionRecord): FoundEdge['kind'] | undefined {
  if (a === b) return undefined
  if (a.commit !== undefined && a.commit <= b.snapshot) return 'real-time'
  if (b.commit === undefined) return undefined
  const later = b.commit
  if (a.kind !== 'snapshot-isolation') {
    if (a.reads.some((read) => later > read.snapshot && setsOverlap(read.ranges, b.writes))) return 'rw'
  }
  if (a.commit !== undefined && a.commit < later && setsOverlap(a.writes, b.writes)) return 'ww'
  return undefined
}

/** The graph of everything counted so far. */
export class SerializationGraph {
  readonly #writesByKey = new Map<string, Write[]>()
  /** Every key of `#writesByKey`, ascending. */
  readonly #keys: string[] = []
  readonly #rangeWrites: RangeWrite[] = []
  /** Counted transactions by the sequence they read at. */
  readonly #recordsBySnapshot = new Map<number, TransactionRecord[]>()
  readonly #counted = new Set<TransactionRecord>()
  #newestCommit = 0

  /** Whether the transaction is part of the history that must be serializable. */
  isCounted(record: TransactionRecord): boolean {
    return this.#counted.has(record)
  }

  get size(): number {
    return this.#counted.size
  }

  /** Counts a transaction. REQUIRES: commits come in ascending order; reads may still be added to a declared reader. */
  count(record: TransactionRecord): void {
    if (this.#counted.has(record)) return
    this.#counted.add(record)
    const peers = this.#recordsBySnapshot.get(record.snapshot)
    if (peers === undefined) this.#recordsBySnapshot.set(record.snapshot, [record])
    else peers.push(record)
    if (record.commit === undefined) return
    if (record.commit <= this.#newestCommit) throw new Error(`commit ${record.commit} is counted out of order`)
    this.#newestCommit = record.commit
    for (const interval of record.writes) this.#indexWrite({ commit: record.commit, record, interval })
  }

  /**
   * A cycle that counting `record` as `candidate` would close, or undefined. With writes it would get the next sequence.
   * REQUIRES: the counted ones are acyclic without it. `record` itself may be counted already (a declared reader).
   */
  findCycle(record: TransactionRecord, candidate: Candidate = record): FoundCycle | undefined {
    const self: TransactionRecord = {
      ...record,
      ...candidate,
      reads: [...candidate.reads],
      commit: candidate.writes.length > 0 ? this.#newestCommit + 1 : undefined,
    }
    const edgeByRecord = new Map<TransactionRecord, FoundEdge>()
    const pending: TransactionRecord[] = []
    let realTimeFrom = this.#newestCommit + 1
    const reach = (edge: FoundEdge): FoundCycle | undefined => {
      if (edge.to === record || edge.to === self || edgeByRecord.has(edge.to)) return undefined
      edgeByRecord.set(edge.to, edge)
      pending.push(edge.to)
      const back = edgeKind(edge.to, self)
      return back === undefined ? undefined : tracePath(edgeByRecord, self, { from: edge.to, to: self, kind: back })
    }
    for (let from: TransactionRecord | undefined = self; from !== undefined; from = pending.pop()) {
      for (const { record: to, kind } of this.#overwriters(from)) {
        const cycle = reach({ from, to, kind })
        if (cycle !== undefined) return cycle
      }
      if (from.commit === undefined || from.commit >= realTimeFrom) continue
      for (let snapshot = from.commit; snapshot < realTimeFrom; snapshot++) {
        for (const to of this.#recordsBySnapshot.get(snapshot) ?? []) {
          const cycle = reach({ from, to, kind: 'real-time' })
          if (cycle !== undefined) return cycle
        }
      }
      realTimeFrom = from.commit
    }
    return undefined
  }

  /** Whether anything it read was overwritten by a counted transaction, whatever that means for the order. */
  hasOverwriter(record: TransactionRecord): boolean {
    return this.#overwriters(record).next().done !== true
  }

  /** Everyone that `from` has an rw or ww edge to. */
  *#overwriters(from: TransactionRecord): Generator<{ record: TransactionRecord; kind: 'rw' | 'ww' }> {
    if (from.kind !== 'snapshot-isolation') {
      for (const read of from.reads) {
        for (const range of read.ranges) {
          for (const record of this.#writersAfter(range, read.snapshot)) yield { record, kind: 'rw' }
        }
      }
    }
    if (from.commit === undefined) return
    for (const range of from.writes) {
      for (const record of this.#writersAfter(range, from.commit)) yield { record, kind: 'ww' }
    }
  }

  *#writersAfter(range: Interval, sequence: number): Generator<TransactionRecord> {
    if (isEmptyInterval(range)) return
    if (range.end === `${range.start}\0`) {
      yield* recordsAfter(this.#writesByKey.get(range.start), sequence)
    } else {
      for (let i = lowerBound(this.#keys, range.start); i < this.#keys.length; i++) {
        const key = this.#keys[i]!
        if (!intervalContains(range, key)) break
        yield* recordsAfter(this.#writesByKey.get(key), sequence)
      }
    }
    for (let i = this.#rangeWrites.length - 1; i >= 0; i--) {
      const write = this.#rangeWrites[i]!
      if (write.commit <= sequence) break
      if (intervalsOverlap(write.interval, range)) yield write.record
    }
  }

  #indexWrite(write: RangeWrite): void {
    const { interval } = write
    if (isEmptyInterval(interval)) return
    if (interval.end !== `${interval.start}\0`) {
      this.#rangeWrites.push(write)
      return
    }
    const writes = this.#writesByKey.get(interval.start)
    if (writes !== undefined) {
      writes.push(write)
      return
    }
    this.#writesByKey.set(interval.start, [write])
    this.#keys.splice(lowerBound(this.#keys, interval.start), 0, interval.start)
  }
}

function* recordsAfter(writes: readonly Write[] | undefined, sequence: number): Generator<TransactionRecord> {
  if (writes === undefined) return
  for (let i = writes.length - 1; i >= 0; i--) {
    const write = writes[i]!
    if (write.commit <= sequence) return
    yield write.record
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

function tracePath(
  edgeByRecord: ReadonlyMap<TransactionRecord, FoundEdge>,
  self: TransactionRecord,
  last: FoundEdge,
): FoundCycle {
  const path = [last]
  while (path[0]!.from !== self) path.unshift(edgeByRecord.get(path[0]!.from)!)
  return path
}

/** A cycle for people: one line an edge, then one a transaction. */
export function describeCycle(cycle: FoundCycle): string {
  const edges = cycle.map(({ from, to, kind }) => `  ${from.name} --${kind}--> ${to.name}`)
  return [...edges, ...cycle.map(({ from }) => `  ${describeRecord(from)}`)].join('\n')
}

/**
 * Whether the counted transactions of a finished history are acyclic, by the definition's edges between every pair and
 * repeated removal of whoever has no predecessor. Quadratic: for the tests of the checker and for short histories.
 */
export function isSerializable(records: readonly TransactionRecord[]): boolean {
  let left = [...records]
  for (;;) {
    const free = left.filter((b) => !left.some((a) => edgeKind(a, b) !== undefined))
    if (free.length === 0) return left.length === 0
    left = left.filter((record) => !free.includes(record))
  }
}
