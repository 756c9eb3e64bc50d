/**
 * The operations of small schedules, their programs, and which of them commute.
 */
import { KEY_CELLS, RANGE_CELLS, SMALL_KEYS, SMALL_RANGE } from './small-graph'

/** 'write' is a put or a delete, alternating from schedule to schedule: to the guarantee both are versions. */
export type OperationKind =
  'begin' | 'begin-declared' | 'read' | 'declared-read' | 'write' | 'commit' | 'rollback' | 'lone-read' | 'publish'

/** One operation; `cells` says what it touches. Operations are shared objects: compare by identity. */
export interface Operation {
  readonly kind: OperationKind
  /** What a script would say: 'get a', 'delete-range'. */
  readonly text: string
  readonly cells: number
  /** Index of the one key it touches, or -1 for the range. */
  readonly key: number
}

const plain = (kind: OperationKind, text: string): Operation => ({ kind, text, cells: 0, key: -1 })

export const BEGIN = plain('begin', 'begin')
export const BEGIN_DECLARED = plain('begin-declared', 'begin readOnly')
export const COMMIT = plain('commit', 'commit')
export const ROLLBACK = plain('rollback', 'rollback')
/** Publishes the oldest commit that is decided and not yet published. */
export const PUBLISH = plain('publish', 'publish')

const perKey = (kind: OperationKind, verb: string): Operation[] =>
  SMALL_KEYS.map((key, i) => ({ kind, text: `${verb} ${key}`, cells: KEY_CELLS[i]!, key: i }))
const perRange = (kind: OperationKind, verb: string): Operation => {
  return { kind, text: `${verb} [${SMALL_RANGE.start}, ${SMALL_RANGE.end})`, cells: RANGE_CELLS, key: -1 }
}

export const GETS: readonly Operation[] = perKey('read', 'get')
export const SCAN: Operation = perRange('read', 'scan')
/** The same reads, by a declared reader. */
export const DECLARED_GETS: readonly Operation[] = perKey('declared-read', 'get')
export const DECLARED_SCAN: Operation = perRange('declared-read', 'scan')
export const WRITES: readonly Operation[] = perKey('write', 'write')
export const DELETE_RANGE: Operation = perRange('write', 'delete')
export const LONE_GETS: readonly Operation[] = perKey('lone-read', 'lone get')
export const LONE_SCAN: Operation = perRange('lone-read', 'lone scan')

/** Every sequence of up to `length` of the operations, shortest first. */
export function programsOf(operations: readonly Operation[], length: number): Operation[][] {
  let longest: Operation[][] = [[]]
  const programs = [...longest]
  for (let n = 1; n <= length; n++) {
    longest = longest.flatMap((program) => operations.map((operation) => [...program, operation]))
    programs.push(...longest)
  }
  return programs
}

/** The same operation with the keys a and b exchanged: the range holds both, so nothing else changes. */
export function renamed(operation: Operation): Operation {
  if (operation.key !== 0 && operation.key !== 1) return operation
  const family = [GETS, WRITES, DECLARED_GETS, LONE_GETS].find((one) => one[operation.key] === operation)
  return family === undefined ? operation : family[1 - operation.key]!
}

/**
 * Whether two operations of different transactions commute.
 *
 * A read or write of an undecided read-write transaction looks at decided versions above its own snapshot only, and changes
 * nothing that anyone but a commit looks at; a begin takes the newest decided (or published) sequence, which only a commit
 * (or a publish) moves. What a declared or lone reader was shown counts at once, so its reads keep their place among reads.
 */
export function commutes(a: Operation, b: Operation): boolean {
  const [first, second] = [roleOf(a), roleOf(b)]
  if (first === 'global' || second === 'global') return false
  return first === 'silent' || second === 'silent' || (first === 'looks' && second === 'looks')
}

/** 'silent': neither looks at nor changes what others' reads do; 'looks': a read that counts for nothing until commit. */
function roleOf({ kind }: Operation): 'silent' | 'looks' | 'shows' | 'global' {
  switch (kind) {
    case 'begin':
    case 'begin-declared':
    case 'write':
      return 'silent'
    case 'read':
      return 'looks'
    case 'declared-read':
    case 'lone-read':
      return 'shows'
    case 'commit':
    case 'rollback':
    case 'publish':
      return 'global'
  }
}
