/**
 * Nodes, edges and steps for small graphs made by hand.
 */
import type { Key } from '../../../src/base/bytes'
import type { Sequence } from '../../../src/base/sequence'
import type { GraphView } from '../../../src/mvcc/search'
import type { Edge, FloorReader } from '../../../src/mvcc/transaction-node'
import { TransactionNode, createTxRef } from '../../../src/mvcc/transaction-node'

/** An rw edge over one key, as exact reads make it. */
export function rw(key: Key, merged = false): Edge {
  return { kind: 'rw', key, range: undefined, merged }
}

/** A ww edge over one key. */
export function ww(key: Key): Edge {
  return { kind: 'ww', key, range: undefined, merged: false }
}

/** A decided transaction that is retained; its floor is its snapshot until raised. */
export function committed(id: number, snapshot: Sequence, commit: Sequence, label?: string): TransactionNode {
  const node = active(id, snapshot, label)
  node.commit = commit
  node.state = 'retained'
  return node
}

/** A transaction that has not been decided. */
export function active(id: number, snapshot: Sequence, label?: string): TransactionNode {
  return new TransactionNode(id, label, snapshot, true, () => undefined)
}

/** Stores an edge at both ends. */
export function link(from: TransactionNode, to: TransactionNode, edge: Edge): void {
  ;(from.missed ??= new Map<TransactionNode, Edge>()).set(to, edge)
  ;(to.missedBy ??= new Set()).add(from)
}

/** A view of a graph of these nodes. */
export function viewOf(nodes: readonly TransactionNode[], summarizedFloorMax = 0): GraphView {
  const hasOut = (node: TransactionNode): boolean => (node.missed?.size ?? 0) > 0 || node.low !== Infinity
  return {
    nodesWithOutEdges: new Set(nodes.filter((node) => node.state === 'retained' && hasOut(node))),
    summarizedFloorMax,
  }
}

/** A reader without writes at `snapshot` that raised a floor by reading `key`. */
export function floorReader(id: number, snapshot: Sequence, key: Key, merged = false): FloorReader {
  return { reader: createTxRef(id, undefined, snapshot, Infinity), key, range: undefined, merged }
}
