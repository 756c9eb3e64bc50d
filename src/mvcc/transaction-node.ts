/**
 * A node of the conflict graph: what the rules of isolation know of one read-write transaction, and nothing else.
 *
 * Nodes live from begin until they are forgotten (rule 5) or, if they abort, until they end. Transactions that only read
 * are no nodes once they have committed: they leave floors (reader-floors.ts).
 */
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import type { TxRef } from '../base/serialization-report'
import type { Sequence } from '../base/sequence'
import { SEQUENCE_INFINITY } from '../base/sequence'
import type { Link } from './chain'
import type { RangeEntry } from './range-index'

/** What made an edge: the first key or range seen; `merged` if a range that bounded memory made wider than what was read. */
export interface Edge {
  readonly kind: 'rw' | 'ww'
  readonly key: Key | undefined
  readonly range: KeyRange | undefined
  readonly merged: boolean
}

/** What is known of one key; kept by key-index.ts. */
export interface KeyRecord {
  readonly key: Key
  /** Transactions that read the key, active or retained: one (most often) or several. */
  readers: TransactionNode | Set<TransactionNode> | undefined
  /** Decided transactions that wrote the key, ascending by commit; the first `forgotten` of them count no more. */
  writers: TransactionNode[] | undefined
  forgotten: number
  ordered: boolean
}

/** A reader registration of a range. `merged`: neighbouring point reads were joined, keys between them were not read. */
export interface RangeRead {
  readonly node: TransactionNode
  readonly merged: boolean
}

/** A reader without writes that raised a floor: it comes after everything decided up to its snapshot. */
export interface FloorReader {
  readonly reader: TxRef
  readonly key: Key | undefined
  readonly range: KeyRange | undefined
  /** Whether it stands for more keys than were read, because memory is bounded. */
  readonly merged: boolean
}

/** 'retained': decided, still needed; 'summarized': of it only writes, commit, low and floor are kept; 'gone': forgotten or aborted. */
export type NodeState = 'active' | 'retained' | 'summarized' | 'gone'

/** See the file's header. Fields are written by the conflict graph alone. */
export class TransactionNode {
  state: NodeState = 'active'
  /** Its place among the active, while it is. */
  activeLink: Link<TransactionNode> | undefined = undefined
  /** The place in commit order; Infinity until decided. */
  commit: Sequence = SEQUENCE_INFINITY
  /** The least commit reachable through transactions already forgotten. */
  low: Sequence = SEQUENCE_INFINITY
  /** Whose commit `low` is. */
  lowRef: TxRef | undefined = undefined
  /** Whether `low` rests on merged reads, so that what closes by it is conservative. */
  lowMerged = false
  /** The greatest of the snapshot and the snapshots of read-only readers of what this transaction overwrites. */
  floor: Sequence
  /** The reader that raised the floor above the snapshot. */
  floorReader: FloorReader | undefined = undefined
  /** Out-edges: who overwrote what this one read (rw), or overwrote its blind write while concurrent (ww). */
  missed: Map<TransactionNode, Edge> | undefined = undefined
  /** The same edges backwards. */
  missedBy: Set<TransactionNode> | undefined = undefined
  /** Point reads, for removal and for the lost-update test. */
  keyReads: KeyRecord[] | undefined = undefined
  /** Range reads, for removal. */
  rangeReads: Set<RangeEntry<RangeRead>> | undefined = undefined
  /** Keys written, once retained. */
  keyWrites: KeyRecord[] | undefined = undefined
  /** Ranges deleted, once retained. */
  rangeWrites: RangeEntry<TransactionNode>[] | undefined = undefined

  constructor(
    readonly id: number,
    readonly label: string | undefined,
    public snapshot: Sequence,
    /** False for isolation 'snapshot': its reads are not tracked. */
    readonly serializable: boolean,
    /** Told when the graph dooms this transaction (rule 4, or bounded memory); let go of once it is decided. */
    public onDoomed: (error: Error) => void,
  ) {
    this.floor = snapshot
  }

  /** How reports name it. */
  ref(): TxRef {
    return createTxRef(this.id, this.label, this.snapshot, this.commit)
  }
}

/** How reports name a transaction; an infinite commit means that it has none. */
export function createTxRef(id: number, label: string | undefined, snapshot: Sequence, commit: Sequence): TxRef {
  return {
    id,
    ...(label === undefined ? {} : { label }),
    snapshot,
    ...(commit === SEQUENCE_INFINITY ? {} : { commit }),
  }
}
