/**
 * The families of small schedules that are tried exhaustively, as data, and the loop that runs one of them.
 *
 * A family says which programs its threads may run and how they may interleave. Symmetry: threads of the same role run
 * programs in ascending order (renaming transactions changes nothing), of two programs that differ by exchanging the keys a
 * and b one is run (the range holds both), and of schedules that differ by swapping commuting neighbours one is run
 * (interleavings.ts, operations.ts). Commits, publishes and declared reads never commute.
 */
import { forEachInterleaving } from './interleavings'
import type { Operation } from './operations'
import {
  BEGIN,
  BEGIN_DECLARED,
  COMMIT,
  DECLARED_GETS,
  DECLARED_SCAN,
  DELETE_RANGE,
  GETS,
  LONE_GETS,
  LONE_SCAN,
  PUBLISH,
  ROLLBACK,
  SCAN,
  WRITES,
  commutes,
  programsOf,
  renamed,
} from './operations'
import type { ScheduleRunner, SmallSchedule } from './schedule-runner'
import { describeSchedule } from './schedule-runner'

/** One family of schedules. */
export interface Family {
  readonly name: string
  /** For each role: the programs to choose from and how many threads play it. */
  readonly roles: readonly { readonly programs: readonly (readonly Operation[])[]; readonly threads: number }[]
  /** Publish steps, taken by a thread of their own; 0: every commit is published at once. */
  readonly publishes: number
  /** Every interleaving, those that cannot differ too: to test the reduction itself. */
  readonly isUnreduced?: boolean
}

const KEYS_TWO = [0, 1] as const
const keys = (operations: readonly Operation[], indexes: readonly number[]) => indexes.map((i) => operations[i]!)

/** Read and write operations over the first `count` keys, with the range or without. */
function alphabet(count: number, withRange: boolean): Operation[] {
  const point = [...GETS.slice(0, count), ...WRITES.slice(0, count)]
  return withRange ? [...point, SCAN, DELETE_RANGE] : point
}

const closed = (programs: readonly Operation[][], end: Operation = COMMIT) =>
  programs.map((program) => [BEGIN, ...program, end])
const declared = (programs: readonly Operation[][]) => programs.map((program) => [BEGIN_DECLARED, ...program])

/** At most one read, then at most one write. */
function readThenWrite(reads: readonly Operation[], writes: readonly Operation[]): Operation[][] {
  const some = (operations: readonly Operation[]): Operation[][] => [[], ...operations.map((operation) => [operation])]
  return some(reads).flatMap((read) => some(writes).map((write) => [...read, ...write]))
}

const loneReads = [...keys(LONE_GETS, [0, 1, 2]), LONE_SCAN].map((read) => [read])
const declaredReads = programsOf([...keys(DECLARED_GETS, KEYS_TWO), DECLARED_SCAN], 2).filter(
  ({ length }) => length > 0,
)
const pointPairs = readThenWrite(GETS, WRITES)
const rangePairs = readThenWrite([GETS[0]!, GETS[1]!, SCAN], [WRITES[0]!, WRITES[1]!, DELETE_RANGE])
const rollsBack = closed(readThenWrite([GETS[0]!, SCAN], [WRITES[1]!, DELETE_RANGE]), ROLLBACK)

/** The families required: two transactions of up to four operations, three of up to two, and the readers beside them. */
export const FULL_FAMILIES: readonly Family[] = [
  {
    name: '2 transactions, up to 4 operations, 2 keys and a range',
    roles: [{ programs: closed(programsOf(alphabet(2, true), 4)), threads: 2 }],
    publishes: 0,
  },
  {
    name: '3 transactions, up to 2 operations, 3 keys and a range',
    roles: [{ programs: closed(programsOf(alphabet(3, true), 2)), threads: 3 }],
    publishes: 0,
  },
  {
    name: '2 transactions, up to 2 operations, a declared reader of up to 2, publishing late',
    roles: [
      { programs: closed(programsOf(alphabet(2, true), 2)), threads: 2 },
      { programs: declared(declaredReads), threads: 1 },
    ],
    publishes: 2,
  },
  {
    name: '2 transactions, up to 2 operations, a lone read, publishing late',
    roles: [
      { programs: closed(programsOf(alphabet(3, true), 2)), threads: 2 },
      { programs: loneReads, threads: 1 },
    ],
    publishes: 2,
  },
  {
    name: '3 transactions of a read and a write, a lone read, publishing late',
    roles: [
      { programs: closed(pointPairs), threads: 3 },
      { programs: loneReads.slice(0, 3), threads: 1 },
    ],
    publishes: 1,
  },
  {
    name: '3 transactions of a read and a write over ranges, a declared read',
    roles: [
      { programs: closed(rangePairs), threads: 3 },
      { programs: declared([[DECLARED_GETS[0]!], [DECLARED_SCAN]]), threads: 1 },
    ],
    publishes: 0,
  },
  {
    name: '2 transactions of a read and a write, one that rolls back, a lone read, publishing late',
    roles: [
      { programs: closed(rangePairs), threads: 2 },
      { programs: rollsBack, threads: 1 },
      { programs: loneReads.slice(0, 2), threads: 1 },
    ],
    publishes: 1,
  },
  {
    name: '2 transactions, up to 2 operations, every interleaving unreduced',
    roles: [{ programs: closed(programsOf(alphabet(2, true), 2)), threads: 2 }],
    publishes: 0,
    isUnreduced: true,
  },
]

/** How much of a family is run. */
export interface FamilyOptions {
  /** All interleavings of each `stride`-th choice of programs are run: 1 runs everything. */
  readonly stride: number
  /** The first choice that is run. */
  readonly offset?: number
}

const SCHEDULES_PER_TURN = 512

/** Runs a family on `runner` and gives the number of schedules. Throws the first violation, with the schedule that led to it. */
export async function runFamily(family: Family, runner: ScheduleRunner, options: FamilyOptions): Promise<number> {
  const rules = {
    commutes: family.isUnreduced === true ? () => false : commutes,
    // A publish needs a commit before it that is not published yet, as far as the schedule alone can say.
    isEnabled: (event: Operation, before: SmallSchedule) => event !== PUBLISH || hasUnpublished(before),
  }
  let ran = 0
  let choice = -(options.offset ?? 0)
  for (const threads of threadsOf(family)) {
    if (choice++ % options.stride !== 0) continue
    const schedules: SmallSchedule[] = []
    forEachInterleaving(threads, rules, (schedule) => schedules.push([...schedule]))
    for (const schedule of schedules) {
      const waiting = runOne(runner, schedule)
      if (waiting !== undefined) await waiting
      if (++ran % SCHEDULES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return ran
}

function runOne(runner: ScheduleRunner, schedule: SmallSchedule): undefined | Promise<void> {
  const explain = (error: unknown): never => {
    throw new Error(`${error instanceof Error ? error.message : 'failed'}\n${describeSchedule(schedule)}`, {
      cause: error,
    })
  }
  try {
    return runner.run(schedule)?.catch(explain)
  } catch (error) {
    return explain(error)
  }
}

function hasUnpublished(before: SmallSchedule): boolean {
  let unpublished = 0
  for (const { event } of before) {
    if (event === COMMIT) unpublished++
    else if (event === PUBLISH) unpublished--
  }
  return unpublished > 0
}

/** Every choice of programs for the threads of a family, reduced by symmetry. */
function* threadsOf(family: Family): Generator<(readonly Operation[])[]> {
  const slots = family.roles.flatMap(({ programs, threads }, role) =>
    Array.from({ length: threads }, (_, i) => ({ role, programs, isFirst: i === 0 })),
  )
  const mirrors = family.roles.map(({ programs }) => mirrorIndexes(programs))
  const publisher = new Array<Operation>(family.publishes).fill(PUBLISH)
  const chosen: number[] = []
  function* choose(slot: number): Generator<(readonly Operation[])[]> {
    if (slot === slots.length) {
      if (isCanonical(slots, chosen, mirrors)) {
        const threads = slots.map(({ programs }, i) => programs[chosen[i]!]!)
        yield publisher.length > 0 ? [...threads, publisher] : threads
      }
      return
    }
    const { programs, isFirst } = slots[slot]!
    for (let i = isFirst ? 0 : chosen[slot - 1]!; i < programs.length; i++) {
      chosen[slot] = i
      yield* choose(slot + 1)
    }
  }
  yield* choose(0)
}

/** For each program, the index of the one with a and b exchanged; itself where the family does not have that one. */
function mirrorIndexes(programs: readonly (readonly Operation[])[]): number[] {
  const textOf = (program: readonly Operation[]) => program.map(({ kind, text }) => `${kind} ${text}`).join()
  const indexByText = new Map(programs.map((program, i) => [textOf(program), i]))
  return programs.map((program, i) => indexByText.get(textOf(program.map(renamed))) ?? i)
}

/** Whether the choice comes no later than its mirror image. */
function isCanonical(
  slots: readonly { readonly role: number }[],
  chosen: readonly number[],
  mirrors: readonly (readonly number[])[],
): boolean {
  const mirrored = chosen.map((program, i) => mirrors[slots[i]!.role]![program]!)
  const sorted: number[] = []
  for (let role = 0; role < mirrors.length; role++) {
    sorted.push(...mirrored.filter((_, i) => slots[i]!.role === role).sort((a, b) => a - b))
  }
  for (let i = 0; i < chosen.length; i++) if (chosen[i] !== sorted[i]) return chosen[i]! < sorted[i]!
  return true
}
