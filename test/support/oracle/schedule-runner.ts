/**
 * Runs one small schedule on a subject and checks every single step against the guarantee.
 *
 * After each step: a value shown is the version at the snapshot; whatever is counted leaves the graph acyclic (no anomaly);
 * whoever was aborted, by its own step or by another's commit, could never have committed (no needless abort). A lone read
 * that has to wait does so only while its answer would close a cycle, and is answered by the first publish that allows it.
 *
 * One subject serves many schedules: all transactions of a schedule end before the next begins, and the keys' contents are
 * carried over. Sequences are counted here, not asked for, and compared with every snapshot the subject takes.
 */
import type { ScheduledEvent } from './interleavings'
import type { Operation } from './operations'
import type { SmallNode } from './small-graph'
import { SMALL_KEYS, SMALL_RANGE, closesSmallCycle, createSmallNode } from './small-graph'
import type { Subject, SubjectTransaction } from './subject'

export type SmallSchedule = readonly ScheduledEvent<Operation>[]

/** What is wrong with a step, as a sentence; the schedule is printed by `describeSchedule`. */
export class OracleViolation extends Error {
  constructor(
    readonly kind: 'anomaly' | 'needless abort' | 'wrong value' | 'wrong state',
    message: string,
  ) {
    super(`${kind}: ${message}`)
    this.name = 'OracleViolation'
  }
}

interface Session {
  readonly node: SmallNode
  readonly isDeclared: boolean
  transaction: SubjectTransaction | undefined
  /** Own writes by key index: the value byte, -1 for deleted, undefined for untouched. */
  readonly own: (number | undefined)[]
  ownCells: number
  isOver: boolean
}

interface Version {
  readonly sequence: number
  /** -1: deleted. */
  readonly value: number
}

interface WaitingRead {
  readonly node: SmallNode
  readonly operation: Operation
  answer: readonly number[] | undefined
  error: Error | undefined
  expected: readonly number[] | undefined
}

const VALUES = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]))
const NOTHING: readonly number[] = []

/** A schedule for people, one step a line. */
export function describeSchedule(schedule: SmallSchedule): string {
  return schedule.map(({ thread, event }) => `  T${thread + 1}: ${event.text}`).join('\n')
}

/** How many things happened, so that a run can show that it tested something. */
export interface RunnerCounts {
  schedules: number
  steps: number
  commits: number
  aborts: number
  conservativeAborts: number
  waits: number
}

/** Drives one subject through schedule after schedule. */
export class ScheduleRunner {
  readonly counts: RunnerCounts = { schedules: 0, steps: 0, commits: 0, aborts: 0, conservativeAborts: 0, waits: 0 }
  readonly #subject: Subject
  readonly #publishesAtOnce: boolean
  #decided = 0
  #published = 0
  /** Per key, newest last; the first entry is what the schedule began with. */
  #versions: Version[][] = SMALL_KEYS.map(() => [{ sequence: 0, value: -1 }])
  #sessions: (Session | undefined)[] = []
  #nodes: SmallNode[] = []
  #waiting: WaitingRead[] = []
  #salt = 0

  /** `publishesAtOnce`: every commit is published in the step that decides it; otherwise by 'publish' steps alone. */
  constructor(subject: Subject, options: { readonly publishesAtOnce: boolean }) {
    this.#subject = subject
    this.#publishesAtOnce = options.publishesAtOnce
  }

  /** Runs a schedule. Gives a promise only where a lone read had to wait. Throws `OracleViolation`. */
  run(schedule: SmallSchedule): undefined | Promise<void> {
    this.counts.schedules++
    this.#salt = (this.#salt + 7) & 0xff
    this.#sessions = []
    this.#nodes = []
    this.#waiting = []
    this.#versions = this.#versions.map((versions) => [{ sequence: 0, value: versions.at(-1)!.value }])
    for (const { thread, event } of schedule) this.#step(thread, event)
    for (const session of this.#sessions) if (session?.transaction !== undefined) session.transaction.rollback()
    this.#publishThrough(this.#decided)
    if (this.#waiting.length === 0) {
      this.#subject.checkAtRest?.()
      return undefined
    }
    return this.#settleWaiting()
  }

  async #settleWaiting(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    for (const read of this.#waiting) {
      if (read.error !== undefined)
        throw new OracleViolation('wrong state', `${read.operation.text} failed: ${read.error.message}`)
      if (read.expected === undefined)
        throw new OracleViolation('wrong state', `${read.operation.text} was never possible`)
      if (read.answer === undefined)
        throw new OracleViolation('wrong state', `${read.operation.text} was never answered`)
      assertSame(read.answer, read.expected, read.operation.text)
    }
    this.#subject.checkAtRest?.()
  }

  #step(thread: number, operation: Operation): void {
    this.counts.steps++
    if (operation.kind === 'publish') {
      if (this.#published < this.#decided) this.#publishThrough(this.#published + 1)
      return
    }
    if (operation.kind === 'lone-read') {
      this.#loneRead(thread, operation)
      return
    }
    if (operation.kind === 'begin' || operation.kind === 'begin-declared') {
      this.#begin(thread, operation)
      return
    }
    const session = this.#sessions[thread]!
    if (session.isOver) return
    if (operation.kind === 'commit') this.#commit(session)
    else if (operation.kind === 'rollback') this.#rollback(session)
    else if (operation.kind === 'write') this.#write(session, operation)
    else this.#read(session, operation)
  }

  #begin(thread: number, operation: Operation): void {
    const isDeclared = operation.kind === 'begin-declared'
    const transaction = this.#subject.store.begin(isDeclared ? { readOnly: true } : undefined)
    const node = createSmallNode(`T${thread + 1}`)
    node.snapshot = isDeclared ? this.#published : this.#decided
    if (transaction.snapshot !== node.snapshot) {
      throw new OracleViolation(
        'wrong state',
        `${node.name} took snapshot ${transaction.snapshot}, not ${node.snapshot}`,
      )
    }
    this.#nodes.push(node)
    this.#sessions[thread] = { node, isDeclared, transaction, own: [], ownCells: 0, isOver: false }
  }

  #read(session: Session, operation: Operation): void {
    const { node } = session
    const cells = operation.cells & ~session.ownCells
    let shown: readonly number[] | Promise<readonly number[]>
    try {
      shown = showCells(session.transaction!, operation)
    } catch (error) {
      node.reads |= cells
      this.#aborted(session, operation.text, error)
      return
    }
    if (shown instanceof Promise) throw new OracleViolation('wrong state', `${operation.text} was not synchronous`)
    node.reads |= cells
    assertSame(shown, this.#expected(operation, node.snapshot, session.own), `${node.name} ${operation.text}`)
    if (!session.isDeclared) return
    node.counted = true
    if (closesSmallCycle(this.#nodes, node, 0)) {
      throw new OracleViolation('anomaly', `${node.name} was shown ${operation.text}, which no serial order allows`)
    }
  }

  #write(session: Session, operation: Operation): void {
    const value = (this.#salt + this.counts.steps) & 0xff
    const isPut = operation.key >= 0 && (value & 1) === 0
    try {
      if (operation.key < 0) session.transaction!.deleteRange(SMALL_RANGE)
      else if (isPut) session.transaction!.put(SMALL_KEYS[operation.key]!, VALUES[value]!)
      else session.transaction!.delete(SMALL_KEYS[operation.key]!)
    } catch (error) {
      session.node.writes |= operation.cells
      this.#aborted(session, operation.text, error)
      return
    }
    session.node.writes |= operation.cells
    session.ownCells |= operation.cells
    if (operation.key >= 0) session.own[operation.key] = isPut ? value : -1
    else session.own[0] = session.own[1] = -1
  }

  #commit(session: Session): void {
    const { node } = session
    const transaction = session.transaction!
    const settled = transaction.commit()
    settled.catch(ignore)
    session.isOver = true
    const { state } = transaction
    if (state === 'aborted') {
      this.#aborted(session, 'commit', undefined)
      return
    }
    if (state !== 'decided' && state !== 'committed') {
      throw new OracleViolation('wrong state', `${node.name} is ${state} after its commit was called`)
    }
    this.counts.commits++
    const commit = node.writes === 0 ? 0 : this.#decided + 1
    if (closesSmallCycle(this.#nodes, node, commit)) {
      throw new OracleViolation('anomaly', `${node.name} committed, which leaves no serial order`)
    }
    node.counted = true
    node.commit = commit
    if (commit === 0) return
    this.#decided = commit
    session.own.forEach((value, key) => {
      if (value !== undefined) this.#versions[key]!.push({ sequence: commit, value })
    })
    this.#checkDoomed()
    if (this.#publishesAtOnce) this.#publishThrough(commit)
  }

  #rollback(session: Session): void {
    session.transaction!.rollback()
    session.isOver = true
  }

  /** Others that this commit aborted must have deserved it by what they have read and written so far. */
  #checkDoomed(): void {
    for (const session of this.#sessions) {
      if (session === undefined || session.isOver || session.transaction!.state !== 'aborted') continue
      this.#aborted(session, "another's commit", undefined)
    }
  }

  #aborted(session: Session, during: string, error: unknown): void {
    session.isOver = true
    const { node } = session
    if (error instanceof Error && (error as { code?: unknown }).code !== 'SERIALIZATION') throw error
    this.counts.aborts++
    if (session.transaction!.state !== 'aborted') {
      throw new OracleViolation('wrong state', `${node.name} is ${session.transaction!.state} after it was refused`)
    }
    if (this.#subject.isConservative?.(session.transaction!) === true) {
      this.counts.conservativeAborts++
      return
    }
    if (!closesSmallCycle(this.#nodes, node, node.writes === 0 ? 0 : this.#decided + 1)) {
      throw new OracleViolation(
        'needless abort',
        `${node.name} was aborted at ${during}, though it could have committed`,
      )
    }
  }

  #loneRead(thread: number, operation: Operation): void {
    const node = createSmallNode(`T${thread + 1}`)
    node.snapshot = this.#published
    node.reads = operation.cells
    this.#nodes.push(node)
    const shown = showCells(this.#subject.store, operation)
    const wouldClose = closesSmallCycle(this.#nodes, node, 0)
    if (!(shown instanceof Promise)) {
      if (wouldClose)
        throw new OracleViolation('anomaly', `${operation.text} was answered, which no serial order allows`)
      node.counted = true
      assertSame(shown, this.#expected(operation, node.snapshot, []), operation.text)
      return
    }
    if (!wouldClose)
      throw new OracleViolation('needless abort', `${operation.text} waits, though its answer was possible`)
    this.counts.waits++
    const read: WaitingRead = { node, operation, answer: undefined, error: undefined, expected: undefined }
    shown.then(
      (answer) => (read.answer = answer),
      (error: unknown) => (read.error = error instanceof Error ? error : new Error('no error at all')),
    )
    this.#waiting.push(read)
  }

  #publishThrough(sequence: number): void {
    if (sequence <= this.#published) return
    this.#subject.publishThrough(sequence)
    this.#published = sequence
    for (const read of this.#waiting) {
      if (read.expected !== undefined) continue
      read.node.snapshot = sequence
      if (closesSmallCycle(this.#nodes, read.node, 0)) continue
      read.node.counted = true
      read.expected = this.#expected(read.operation, sequence, [])
    }
  }

  #expected(operation: Operation, sequence: number, own: readonly (number | undefined)[]): readonly number[] {
    if (operation.key >= 0) return [own[operation.key] ?? this.#valueAt(operation.key, sequence)]
    const rows: number[] = []
    for (let key = 0; key < 2; key++) {
      const value = own[key] ?? this.#valueAt(key, sequence)
      if (value >= 0) rows.push(key, value)
    }
    return rows
  }

  #valueAt(key: number, sequence: number): number {
    const versions = this.#versions[key]!
    let i = versions.length - 1
    while (versions[i]!.sequence > sequence) i--
    return versions[i]!.value
  }
}

type Reader = Pick<SubjectTransaction, 'get' | 'openCursor'>

/** What a read shows: the value's byte (-1: absent) for a key, key indexes and bytes in turn for the range. */
function showCells(reader: Reader, operation: Operation): readonly number[] | Promise<readonly number[]> {
  if (operation.key >= 0) {
    const value = reader.get(SMALL_KEYS[operation.key]!)
    if (value instanceof Promise) return value.then((later) => [later?.[0] ?? -1])
    return [value?.[0] ?? -1]
  }
  const cursor = reader.openCursor(SMALL_RANGE, { reverse: false })
  const rows: number[] = []
  for (;;) {
    const more = cursor.next()
    if (more instanceof Promise) return drainCursor(cursor, more, rows)
    if (!more) break
    rows.push(SMALL_KEYS.indexOf(cursor.key as 'a'), cursor.value()[0]!)
  }
  cursor.close()
  return rows
}

async function drainCursor(
  cursor: ReturnType<Reader['openCursor']>,
  first: Promise<boolean>,
  rows: number[],
): Promise<readonly number[]> {
  for (let more = await first; more; more = await cursor.next()) {
    rows.push(SMALL_KEYS.indexOf(cursor.key as 'a'), cursor.value()[0]!)
  }
  cursor.close()
  return rows.length === 0 ? NOTHING : rows
}

function assertSame(shown: readonly number[], expected: readonly number[], what: string): void {
  if (shown.length === expected.length && shown.every((value, i) => value === expected[i])) return
  throw new OracleViolation('wrong value', `${what} showed ${shown.join(' ')}, not ${expected.join(' ')}`)
}

function ignore(): void {
  // The outcome is read from the transaction's state.
}
