/**
 * From the search that closed to what the user is told: the cycle as edges, the pivot, the reason, one sentence.
 *
 * The edges run from the victim through what it missed back to the victim. A floor that a read-only reader raised shows as
 * two edges: real time into the reader, rw out of it. Pinned by test/unit/mvcc/abort-report.test.ts.
 */
import { present } from '../base/assert'
import type { Key } from '../base/bytes'
import { escapeKey, keyToBuffer } from '../base/bytes'
import { SerializationError } from '../base/errors'
import type { KeyRange } from '../base/key-range'
import type { AbortReason, CycleEdge, ReportRange, SerializationReport, TxRef } from '../base/serialization-report'
import type { Sequence } from '../base/sequence'
import { isConservative } from './rules'
import type { Closing, Step } from './search'
import type { FloorReader, TransactionNode } from './transaction-node'

/** What the report is made from. */
export interface AbortCause {
  readonly victim: TxRef
  /** Whether the victim only reads. */
  readonly reader: boolean
  readonly closing: Closing
  /** The reader that raised the victim's floor above its snapshot, if one did. */
  readonly floorReader: FloorReader | undefined
}

/** The error of an abort whose cycle a search found. */
export function createSerializationError(cause: AbortCause): SerializationError {
  const cycle = createCycle(cause)
  const byFloor = isClosedByFloor(cause)
  const conservative = isConservative(cause.closing) || (byFloor && cause.floorReader?.merged === true)
  const pivot = findPivot(cycle)
  const report: SerializationReport = {
    victim: cause.victim,
    reason: reasonOf(cause, cycle, conservative),
    conservative,
    cycle,
    ...(pivot === undefined ? {} : { pivot }),
  }
  return new SerializationError(describeReport(report), report)
}

/** The error of a write that certainly lost: the victim read `key`, and the transaction `winner` overwrote it. */
export function createLostUpdateError(victim: TxRef, winner: TxRef, key: Key): SerializationError {
  const place = { key: keyToBuffer(key) }
  const report: SerializationReport = {
    victim,
    reason: 'lost-update',
    conservative: false,
    cycle: [
      { from: victim, to: winner, kind: 'rw', ...place },
      { from: winner, to: victim, kind: 'ww', ...place },
    ],
    pivot: victim,
  }
  return new SerializationError(describeReport(report), report)
}

/** The error of a transaction that bounded memory can no longer follow. */
export function createTooOldError(victim: TxRef): SerializationError {
  const report: SerializationReport = { victim, reason: 'too-old', conservative: true, cycle: [] }
  return new SerializationError(describeReport(report), report)
}

function isClosedByFloor(cause: AbortCause): boolean {
  const { closing, victim, floorReader } = cause
  if (closing.kind !== 'real-time' || floorReader === undefined) return false
  return reachedCommit(closing) > victim.snapshot
}

function reachedCommit(closing: Closing & { readonly kind: 'real-time' }): Sequence {
  return closing.byLow ? closing.last.node.low : closing.last.node.commit
}

function createCycle(cause: AbortCause): CycleEdge[] {
  const { closing, victim } = cause
  const cycle = stepsToEdges(closing.last, victim)
  if (closing.kind === 'summary') return cycle
  if (closing.kind === 'edge') {
    const { kind, key, range } = closing.edge
    cycle.push({ from: closing.last.node.ref(), to: victim, kind, ...placeOf(key, range) })
    return cycle
  }
  const floorReader = isClosedByFloor(cause) ? cause.floorReader : undefined
  pushRealTime(cycle, pushForgotten(cycle, closing.last.node), victim, floorReader)
  return cycle
}

/** Where real time leaves from: `node`, or the forgotten transaction with a lesser commit to which an edge then leads. */
function pushForgotten(edges: CycleEdge[], node: TransactionNode): TxRef {
  const from = node.ref()
  if (node.low >= node.commit || node.lowRef === undefined) return from
  edges.push({ from, to: node.lowRef, kind: 'rw' })
  return node.lowRef
}

function stepsToEdges(last: Step, victim: TxRef): CycleEdge[] {
  const steps: Step[] = []
  for (let step: Step | undefined = last; step !== undefined; step = step.from) steps.push(step)
  steps.reverse()
  const edges: CycleEdge[] = []
  let from = victim
  for (const { node, from: previous, edge } of steps) {
    const to = node.ref()
    if (edge === 'real-time') {
      const seen = present(previous, 'a search does not begin in real time').node
      const bySnapshot = Math.min(seen.commit, seen.low) <= node.snapshot
      pushRealTime(edges, pushForgotten(edges, seen), to, bySnapshot ? undefined : node.floorReader)
    } else {
      edges.push({ from, to, kind: edge.kind, ...placeOf(edge.key, edge.range) })
    }
    from = to
  }
  return edges
}

function pushRealTime(edges: CycleEdge[], from: TxRef, to: TxRef, floorReader: FloorReader | undefined): void {
  const sequence = from.commit === undefined ? {} : { sequence: from.commit }
  if (floorReader === undefined) {
    edges.push({ from, to, kind: 'real-time', ...sequence })
    return
  }
  edges.push({ from, to: floorReader.reader, kind: 'real-time', ...sequence })
  edges.push({ from: floorReader.reader, to, kind: 'rw', ...placeOf(floorReader.key, floorReader.range) })
}

/** Where an edge comes from, as reports name it: a key, a range, or nothing that is known. */
export function placeOf(key: Key | undefined, range: KeyRange | undefined): { key?: Buffer; range?: ReportRange } {
  if (key !== undefined) return { key: keyToBuffer(key) }
  if (range === undefined) return {}
  const start = keyToBuffer(range.start)
  return { range: range.end === undefined ? { start } : { start, end: keyToBuffer(range.end) } }
}

/** Tin -> pivot -> Tout: Tout is the first of the cycle to commit. */
function findPivot(cycle: readonly CycleEdge[]): TxRef | undefined {
  let into: CycleEdge | undefined
  for (const edge of cycle) {
    if (edge.to.commit === undefined || edge.kind === 'real-time') continue
    if (into === undefined || edge.to.commit < (into.to.commit ?? 0)) into = edge
  }
  return into?.from
}

function reasonOf(cause: AbortCause, cycle: readonly CycleEdge[], conservative: boolean): AbortReason {
  if (cause.closing.kind === 'summary') return 'summary'
  if (conservative) return 'merged-range'
  if (cause.reader) return 'stale-read-only'
  const [out, back] = cycle
  const isPair = cycle.length === 2 && out?.kind === 'rw' && back?.kind === 'ww'
  return isPair ? 'lost-update' : 'cycle'
}

/** One readable sentence for a report: who read what, who overwrote it, in which order. */
export function describeReport(report: SerializationReport): string {
  const victim = describeRef(report.victim)
  if (report.reason === 'too-old') {
    return `Cannot go on with ${victim}: it has been open for so long that its conflicts no longer fit the memory given (retainedCommitsMax)`
  }
  const clauses = report.cycle.map(describeEdge).join('; ')
  if (report.reason === 'summary') {
    return `Cannot commit ${victim}: ${clauses}; what that one depends on was summarized to bound memory (registrationsMax), so a cycle cannot be ruled out`
  }
  const because = report.conservative
    ? 'no serial order is certain to have all of them'
    : 'no serial order has all of them'
  return `Cannot commit ${victim}: ${clauses}; ${because}`
}

function describeEdge(edge: CycleEdge): string {
  const [from, to] = [describeRef(edge.from), describeRef(edge.to)]
  const place = describePlace(edge)
  if (edge.kind === 'rw') return `${from} read ${place} as it was before ${to} overwrote it`
  if (edge.kind === 'ww') return `${from} wrote ${place} before ${to} did`
  return `${from} had committed when ${to} took its snapshot`
}

function describeRef(ref: TxRef): string {
  const name = ref.id === 0 ? 'a lone read' : `transaction ${String(ref.id)}`
  return ref.label === undefined ? name : `${name} (${ref.label})`
}

function describePlace(edge: CycleEdge): string {
  if (edge.key !== undefined) return escapeBytes(edge.key)
  if (edge.range === undefined) return 'something'
  const end = edge.range.end === undefined ? 'the last key' : escapeBytes(edge.range.end)
  return `the range from ${escapeBytes(edge.range.start)} to ${end}`
}

function escapeBytes(bytes: Uint8Array): string {
  return escapeKey(Buffer.from(bytes).latin1Slice(), 60)
}
