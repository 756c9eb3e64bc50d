/**
 * Takes the explanation of one transaction out of the conflict graph and the queues, and forecasts its commit.
 *
 * The forecast puts the question that a commit would put (commit-test.ts) to the same rules (rules.ts), and changes nothing:
 * no floor is raised, no edge added, no search counted. Its price is that of a commit test plus the lists, which are cut at
 * `explanationEntriesMax`; nothing here runs unless somebody asks.
 *
 * What it does not do: say what will be; another commit may come first. Pinned by test/unit/mvcc/explain.test.ts.
 */
import { keyToBuffer } from '../base/bytes'
import type { SerializationError } from '../base/errors'
import { SEQUENCE_INFINITY } from '../base/sequence'
import type { Batch, BatchEntry } from '../storage/engine'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE } from '../storage/engine'
import { createLostUpdateError, createSerializationError, placeOf } from './abort-report'
import { createPoisonedError } from './acknowledgements'
import { decidedPredecessors, firstCommitterOf, floorReaderOf, isEdgeStored } from './commit-test'
import type { Reader } from './conflict-graph'
import type { TransactionState } from './contract'
import type { Environment } from './environment'
import type {
  CommitForecast,
  ExplainedEdge,
  ExplainedList,
  ExplainedPlace,
  ExplainedWait,
  ExplainedWrite,
  TransactionExplanation,
} from './explanation'
import type { GraphCore } from './graph-core'
import { decideCommit } from './rules'
import type { Edge, TransactionNode } from './transaction-node'
import type { Owner } from './wait-queues'

/** What a read-write transaction says of itself. */
export interface ExplainedWriter {
  readonly owner: Owner & { readonly state: TransactionState }
  readonly node: TransactionNode
  /** Its writes. */
  readonly batch: Batch
  /** Why every operation throws, once aborted. */
  readonly error: Error | undefined
}

/** What a declared reader says of itself. */
export interface ExplainedReader {
  readonly reader: Reader
  readonly state: TransactionState
  readonly error: Error | undefined
  readonly isSafe: boolean
  /** Deferrable, and its snapshot is not known to be safe yet. */
  readonly isWaiting: boolean
}

/** The explanation of a read-write transaction. */
export function explainReadWrite(
  environment: Environment,
  { owner, node, batch, error }: ExplainedWriter,
): TransactionExplanation {
  const { core } = environment.graph
  const list = createLists(environment.limits.explanationEntriesMax)
  const isActive = node.state === 'active'
  const floorReader = (isActive ? floorReaderOf(core.index.floors, batch, node.floor) : undefined) ?? node.floorReader
  const { waited, held } = environment.queues.explain(owner)
  return {
    ...nameOf(node),
    state: owner.state,
    readOnly: false,
    isolation: node.serializable ? 'serializable' : 'snapshot',
    safe: false,
    snapshot: node.snapshot,
    ...(node.commit === SEQUENCE_INFINITY ? {} : { commit: node.commit }),
    floor: Math.max(node.floor, floorReader?.reader.snapshot ?? 0),
    ...(floorReader === undefined ? {} : { floorReader: floorReader.reader }),
    ...(node.low === SEQUENCE_INFINITY ? {} : { low: node.low }),
    reads: list(readsOf(node), (place) => place),
    writes: list(isActive ? batch : [], toExplainedWrite),
    missed: list(node.missed ?? [], ([to, edge]) => toExplainedEdge(node, to, edge)),
    missedBy: list(missersOf(core, node, batch), ([from, edge]) => toExplainedEdge(from, node, edge)),
    holds: list(held, keyToBuffer),
    waits: waited.map(({ key, behind }): ExplainedWait => {
      const place = key === undefined ? { for: 'gate' as const } : { for: 'key' as const, key: keyToBuffer(key) }
      return { ...place, ...(behind === undefined ? {} : { behind: nameOf(behind) }) }
    }),
    ...(isActive ? { commitNow: forecastCommit(environment, node, batch) } : {}),
    ...(error === undefined ? {} : { error }),
  }
}

/** The explanation of a declared reader. */
export function explainReadOnly(
  environment: Environment,
  { reader, state, error, isSafe, isWaiting }: ExplainedReader,
): TransactionExplanation {
  const { core } = environment.graph
  const list = createLists(environment.limits.explanationEntriesMax)
  const floors = core.index.floors.ofReader(reader.id)
  return {
    ...nameOf(reader),
    state,
    readOnly: true,
    isolation: 'serializable',
    safe: isSafe,
    snapshot: reader.snapshot,
    floor: reader.snapshot,
    reads: list(floors, ({ key, range, merged }) => ({ ...placeOf(key, range), merged })),
    writes: NOTHING,
    missed: NOTHING,
    missedBy: NOTHING,
    holds: NOTHING,
    waits: isWaiting && state === 'open' ? [waitForSafety(core, reader)] : [],
    ...(state === 'open' ? { commitNow: ACCEPTED } : {}),
    ...(error === undefined ? {} : { error }),
  }
}

/** What a commit of `batch` would come to now: the rules that it would meet, in their order. Changes nothing. */
function forecastCommit({ graph, acknowledgements }: Environment, node: TransactionNode, batch: Batch): CommitForecast {
  const { core } = graph
  const { failure } = acknowledgements
  if (failure !== undefined && (batch.length > 0 || node.snapshot > core.published)) {
    return { outcome: 'refused', message: createPoisonedError('commit', failure).message }
  }
  const error = batch.length === 0 ? refusalOfReader(core, node) : refusalOfWriter(core, node, batch)
  return error === undefined ? ACCEPTED : { outcome: 'refused', message: error.message, report: error.report }
}

function refusalOfReader(core: GraphCore, node: TransactionNode): SerializationError | undefined {
  if (!node.serializable || node.missed === undefined) return undefined
  const { closing } = decideCommit({ missed: node.missed, predecessors: undefined, floor: node.snapshot }, core)
  if (closing === undefined) return undefined
  return createSerializationError({ victim: node.ref(), reader: true, closing, floorReader: undefined })
}

function refusalOfWriter(core: GraphCore, node: TransactionNode, batch: Batch): SerializationError | undefined {
  if (!node.serializable) {
    const lost = firstCommitterOf(core.index, batch, node.snapshot)
    return lost === undefined ? undefined : createLostUpdateError(node.ref(), lost.winner.ref(), lost.key)
  }
  if (node.missed === undefined || node.missed.size === 0) return undefined
  const floorReader = floorReaderOf(core.index.floors, batch, node.floor) ?? node.floorReader
  const floor = Math.max(node.floor, floorReader?.reader.snapshot ?? 0)
  const predecessors = decidedPredecessors(core.index, batch)
  const { closing } = decideCommit({ missed: node.missed, predecessors, floor }, core)
  if (closing === undefined) return undefined
  return createSerializationError({ victim: node.ref(), reader: false, closing, floorReader })
}

/** In-edges: the stored ones of a decided transaction, of an active one those that its commit would store. */
function missersOf(core: GraphCore, node: TransactionNode, batch: Batch): Iterable<[TransactionNode, Edge]> {
  const missers = new Map<TransactionNode, Edge>()
  if (node.state === 'active') {
    const counts = (predecessor: TransactionNode): boolean => isEdgeStored(predecessor, node)
    core.index.forEachPredecessor(batch, counts, (predecessor, edge) => {
      if (!missers.has(predecessor)) missers.set(predecessor, edge)
    })
    return missers
  }
  for (const from of node.missedBy ?? []) {
    const edge = from.missed?.get(node)
    if (edge !== undefined) missers.set(from, edge)
  }
  return missers
}

/** Single keys first, in the order in which they were read; then ranges. */
function* readsOf({ keyReads, rangeReads }: TransactionNode): IterableIterator<ExplainedPlace> {
  for (const { key } of keyReads ?? []) yield { key: keyToBuffer(key), merged: false }
  for (const { start, end, value } of rangeReads ?? []) yield { ...placeOf(undefined, { start, end }), merged: value.merged } // prettier-ignore
}

/** A deferrable reader waits for those that were active when its snapshot was taken: the oldest of them stands for all. */
function waitForSafety(core: GraphCore, reader: Reader): ExplainedWait {
  for (const node of core.active) if (node.snapshot < reader.snapshot) return { for: 'safe-snapshot', behind: nameOf(node) } // prettier-ignore
  return { for: 'safe-snapshot' }
}

const NOTHING: ExplainedList<never> = { first: [], total: 0 }
const ACCEPTED: CommitForecast = { outcome: 'accepted' }

/** Lists cut at `entriesMax`: what lies beyond is counted, and not converted. */
function createLists(
  entriesMax: number,
): <From, To>(items: Iterable<From>, convert: (item: From) => To) => ExplainedList<To> {
  return (items, convert) => {
    const first: ReturnType<typeof convert>[] = []
    let total = 0
    for (const item of items) if (++total <= entriesMax) first.push(convert(item))
    return { first, total }
  }
}

function toExplainedWrite({ kind, key, end }: BatchEntry): ExplainedWrite {
  if (kind === ENTRY_DELETE_RANGE) return { kind: 'deleteRange', ...placeOf(undefined, { start: key, end }) }
  return { kind: kind === ENTRY_DELETE ? 'delete' : 'put', key: keyToBuffer(key) }
}

function toExplainedEdge(from: TransactionNode, to: TransactionNode, edge: Edge): ExplainedEdge {
  const { kind, key, range, merged } = edge
  return { from: from.ref(), to: to.ref(), kind, ...placeOf(key, range), merged }
}

function nameOf({ id, label }: { readonly id: number; readonly label: string | undefined }): {
  readonly id: number
  readonly label?: string
} {
  return label === undefined ? { id } : { id, label }
}
