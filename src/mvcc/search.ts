/**
 * The search of the exact conflict test: what can be reached from a set of overwriters, and does it close a cycle.
 *
 * Edges followed: the stored ones (rw, and ww between concurrent blind writers), the folded ones (`low`: the least commit
 * reachable through forgotten transactions), and real time: from the transaction with the least commit seen to every
 * retained one whose floor is not below that commit. Real-time edges are never stored. Only two kinds of nodes can make
 * them matter: those with out-edges of their own (`view.nodesWithOutEdges`) and those that lead straight back (`targets`).
 *
 *      T --rw--> U . . real time . .> V --rw--> X       X.commit <= T.floor: X came before T, the cycle closes
 *
 * What it does not do: decide (rules.ts), store edges (conflict-graph.ts), write the report (abort-report.ts).
 * Pure: reads the graph, changes nothing. Pinned by test/unit/mvcc/search.test.ts and schedule 12 of test/scripts.
 */
import { assert } from '../base/assert'
import type { Sequence } from '../base/sequence'
import { SEQUENCE_INFINITY } from '../base/sequence'
import type { Edge, TransactionNode } from './transaction-node'

/** What the search may see of the graph besides the nodes themselves. */
export interface GraphView {
  /** Every retained decided transaction with an out-edge or a `low`. */
  readonly nodesWithOutEdges: ReadonlySet<TransactionNode>
  /** The greatest floor of any summarized transaction; 0 if there is none. */
  readonly summarizedFloorMax: Sequence
}

/** How the search came to a node: from the source (`from` undefined) or from another step, by a stored edge or in real time. */
export interface Step {
  readonly node: TransactionNode
  readonly from: Step | undefined
  readonly edge: Edge | 'real-time'
}

/** Why the search found a cycle. */
export type Closing =
  /** `last` committed (or leads by `low` to one that did) at or below the bound: before the source began. */
  | { readonly kind: 'real-time'; readonly last: Step; readonly byLow: boolean }
  /** `last` precedes the source by `edge`. */
  | { readonly kind: 'edge'; readonly last: Step; readonly edge: Edge }
  /** A summarized transaction may lie on the way: bounded memory cannot tell. */
  | { readonly kind: 'summary'; readonly last: Step }

/** The outcome of a search. */
export interface Reach {
  readonly closing: Closing | undefined
  /** The least commit or `low` of all that was reached; exact only if nothing closed. */
  readonly least: Sequence
  /** Nodes visited. */
  readonly visits: number
}

const NOTHING_REACHED: Reach = { closing: undefined, least: SEQUENCE_INFINITY, visits: 0 }

/**
 * Searches from `starts` (overwriters with the edges to them). Closes if the least commit seen is `<= bound`, or if a node of
 * `targets` is reached (each with its edge to the source). A closing that is certain is preferred to a conservative one.
 */
export function search(
  starts: ReadonlyMap<TransactionNode, Edge>,
  targets: ReadonlyMap<TransactionNode, Edge> | undefined,
  bound: Sequence,
  view: GraphView,
): Reach {
  if (starts.size === 0) return NOTHING_REACHED
  return new Search(targets, bound, view).run(starts)
}

class Search {
  readonly #steps = new Map<TransactionNode, Step>()
  readonly #queue: Step[] = []
  #next = 0
  #least: Sequence = SEQUENCE_INFINITY
  #leastStep: Step | undefined = undefined
  #closing: Closing | undefined = undefined
  #summary: Closing | undefined = undefined

  readonly #targets: ReadonlyMap<TransactionNode, Edge> | undefined
  readonly #bound: Sequence
  readonly #view: GraphView

  constructor(targets: ReadonlyMap<TransactionNode, Edge> | undefined, bound: Sequence, view: GraphView) {
    this.#targets = targets
    this.#bound = bound
    this.#view = view
  }

  run(starts: ReadonlyMap<TransactionNode, Edge>): Reach {
    for (const [node, edge] of starts) this.#visit({ node, from: undefined, edge })
    do {
      this.#followStoredEdges()
    } while (this.#closing === undefined && this.#continueInRealTime())
    return { closing: this.#closing ?? this.#summary, least: this.#least, visits: this.#steps.size }
  }

  #followStoredEdges(): void {
    while (this.#closing === undefined) {
      const step = this.#queue[this.#next]
      if (step === undefined) return
      this.#next++
      if (step.node.missed === undefined) continue
      for (const [node, edge] of step.node.missed) {
        if (!this.#steps.has(node)) this.#visit({ node, from: step, edge })
      }
    }
  }

  #visit(step: Step): void {
    const { node } = step
    assert(node.commit !== SEQUENCE_INFINITY, 'a transaction that overwrote something is decided')
    this.#steps.set(node, step)
    this.#queue.push(step)
    if (node.state === 'summarized') this.#summary ??= { kind: 'summary', last: step }
    const byLow = node.low < node.commit
    const reached = byLow ? node.low : node.commit
    if (reached < this.#least) {
      this.#least = reached
      this.#leastStep = step
      if (reached <= this.#view.summarizedFloorMax) this.#summary ??= { kind: 'summary', last: step }
    }
    if (this.#closing !== undefined) return
    const edge = this.#targets?.get(node)
    if (reached <= this.#bound) this.#closing = { kind: 'real-time', last: step, byLow }
    else if (edge !== undefined) this.#closing = { kind: 'edge', last: step, edge }
  }

  /** Follows real-time edges from the least commit seen; false if they lead nowhere new. */
  #continueInRealTime(): boolean {
    const from = this.#leastStep
    assert(from !== undefined, 'a search that ran dry has seen a commit')
    const before = this.#steps.size
    if (this.#targets !== undefined) {
      for (const node of this.#targets.keys()) this.#visitInRealTime(node, from)
    }
    for (const node of this.#view.nodesWithOutEdges) this.#visitInRealTime(node, from)
    return this.#steps.size > before
  }

  #visitInRealTime(node: TransactionNode, from: Step): void {
    if (node.floor < this.#least || this.#steps.has(node)) return
    this.#visit({ node, from, edge: 'real-time' })
  }
}
