/**
 * A conflict graph without storage or waiting: transactions with what they would write, driven step by step.
 */
import type { Key } from '../../../src/base/bytes'
import type { LimitName } from '../../../src/base/limits'
import { createLimits } from '../../../src/base/limits'
import type { KeyRange } from '../../../src/base/key-range'
import type { SerializationError } from '../../../src/base/errors'
import type { Sequence } from '../../../src/base/sequence'
import type { GrowingRead, Reader } from '../../../src/mvcc/conflict-graph'
import { ConflictGraph } from '../../../src/mvcc/conflict-graph'
import type { TransactionNode } from '../../../src/mvcc/transaction-node'
import type { Batch, BatchEntry } from '../../../src/storage/engine'
import { ENTRY_DELETE_RANGE, ENTRY_PUT } from '../../../src/storage/engine'

/** See the file's header. */
export class GraphWorld {
  readonly graph: ConflictGraph
  /** Errors of those doomed, by id. */
  readonly doomedById = new Map<number, Error>()
  #nextId = 1

  constructor(limits: Partial<Record<LimitName, number>> = {}, start: Sequence = 0) {
    this.graph = new ConflictGraph(createLimits(limits), start)
  }

  begin(options: { readonly serializable?: boolean; readonly snapshot?: Sequence } = {}): TransactionNode {
    const id = this.#nextId++
    const snapshot = options.snapshot ?? this.graph.core.decided
    return this.graph.begin(id, undefined, snapshot, options.serializable ?? true, (error) => {
      this.doomedById.set(id, error)
    })
  }

  /** A declared reader at the published sequence. */
  beginReader(): Reader {
    const id = this.#nextId++
    const reader: Reader = {
      id,
      label: undefined,
      snapshot: this.graph.core.published,
      onDoomed: (error) => {
        this.doomedById.set(id, error)
      },
    }
    this.graph.beginReader(reader)
    return reader
  }

  readRange(node: TransactionNode, start: Key, end: Key | undefined): void {
    this.graph.readRange(node, { start, end }, growingRead())
  }

  /** Commits puts of `keys` and deletions of `ranges`; the transaction is out of the graph if that throws. */
  commit(node: TransactionNode, keys: readonly Key[], ranges: readonly KeyRange[] = []): Sequence {
    try {
      return this.graph.commit(node, batchOf(keys, ranges), { append: () => undefined })
    } catch (error) {
      this.graph.abort(node)
      throw error
    }
  }

  /** Begins, writes and commits in one go. */
  write(...keys: Key[]): Sequence {
    return this.commit(this.begin(), keys)
  }

  publishAll(): void {
    this.graph.publish(this.graph.core.decided)
  }

  /** Every size that must be nothing at rest. */
  sizes(): Record<string, number> {
    const { core } = this.graph
    const { keys, rangeReads, rangeDeletes, floors } = core.index
    return {
      active: core.active.size,
      snapshots: core.snapshots.size,
      readWriteSnapshots: core.readWriteSnapshots.size,
      retained: core.retainedCount,
      summarized: core.summarizedCount,
      summarizedFloorMax: core.summarizedFloorMax,
      nodesWithOutEdges: core.nodesWithOutEdges.size,
      keys: keys.size,
      pointReads: keys.readerCount,
      pointWrites: keys.writerCount,
      rangeReads: rangeReads.size,
      rangeDeletes: rangeDeletes.size,
      floors: floors.size,
      edges: core.edges,
    }
  }

  expectNothingLeft(): void {
    this.graph.checkInvariants()
    for (const [name, size] of Object.entries(this.sizes())) expect(`${name}: ${String(size)}`).toBe(`${name}: 0`)
  }
}

/** A read of an interval that nothing has been read of before. */
export function growingRead(): GrowingRead {
  return { entry: undefined, floor: { entry: undefined, index: undefined } }
}

/** A batch of puts and range deletions, as a write buffer would make it. */
export function batchOf(keys: readonly Key[], ranges: readonly KeyRange[] = []): Batch {
  const deletions: BatchEntry[] = ranges.map(({ start, end }) => ({
    kind: ENTRY_DELETE_RANGE,
    key: start,
    value: undefined,
    end,
  }))
  const puts: BatchEntry[] = keys.map((key) => ({ kind: ENTRY_PUT, key, value: new Uint8Array(0), end: undefined }))
  return [...deletions, ...puts]
}

/** The report of the `SerializationError` that `step` throws. */
export function reportThrownBy(step: () => unknown): SerializationError['report'] {
  try {
    step()
  } catch (error) {
    if ((error as Partial<SerializationError>).code === 'SERIALIZATION') return (error as SerializationError).report
    throw error
  }
  throw new Error('a SerializationError was expected')
}
