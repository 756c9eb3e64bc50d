// Seeded bugs of SSI.tla: one guard taken away each, in a cast just large enough, and what TLC then finds.
//
// `length` counts the states of the shortest counterexample, the initial one included. The numbers in `about` are those of the
// schedules that docs/ISOLATION.md tells; a cast is fixed there, so that TLC need not find the roles.
import { createSsi, declared, deferrable, lone, readWrite, snapshotIsolated } from './ssi-model.mjs'

const any = readWrite([[1], [2]], [[1], [2]])

/** A seeded bug: `bug` is the guard's name in SSI.tla. */
function broken(bug, about, refutes, { suffix = '', ...rest }) {
  return createSsi({
    name: `ssi-bug-${bug}${suffix}`,
    about,
    bugs: [bug],
    keys: 2,
    ...(refutes.invariant === undefined ? { properties: [refutes.property] } : { invariants: [refutes.invariant] }),
    refutes,
    ...rest,
  })
}

const breaks = (invariant, length) => ({ invariant, length })
const breaksProperty = (property, length) => ({ property, length })

export const ssiBugs = [
  broken(
    'no-late-read',
    'a read does not look for writers that were decided before it: write skew',
    breaks('Serializable', 9),
    {
      cast: { A: readWrite([[1]], [[2]]), B: readWrite([[2]], [[1]]) },
    },
  ),
  broken(
    'newest-overwriter-only',
    'a read misses the newest overwriter only, not every one',
    breaks('Serializable', 12),
    {
      cast: { A: readWrite([[1]], [[2]]), B: readWrite([[2]], [[1]]), C: readWrite([], [[1]]) },
    },
  ),
  broken(
    'published-not-counted',
    '1: forgotten before it is published; a declared reader comes late',
    breaks('Serializable', 11),
    {
      cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: declared([[1], [2]]) },
      features: ['lag'],
    },
  ),
  broken('published-not-counted', '1: the same with a lone reader', breaks('Serializable', 10), {
    suffix: '-lone',
    cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: lone([[2]]) },
    features: ['lag'],
  }),
  broken(
    'published-not-counted',
    '1: and the bookkeeping answers otherwise than the history',
    breaks('ForgettingLosesNothing', 9),
    {
      suffix: '-answers',
      cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: lone([[2]]) },
      features: ['lag'],
    },
  ),
  broken('lone-reads-untracked', '2: a lone read leaves no floor', breaks('Serializable', 10), {
    cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: lone([[2]]) },
    features: ['lag'],
  }),
  broken('lone-reads-not-tested', '2: a lone read does not wait', breaks('Serializable', 10), {
    cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: lone([[2]]) },
    features: ['lag'],
  }),
  broken(
    'deferrable-ignores-unpublished',
    '3: a deferrable reader asks only who is active',
    breaks('Serializable', 11),
    {
      cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: deferrable([[2]]) },
      features: ['lag'],
    },
  ),
  broken(
    'deferrable-waits-for-nobody',
    '3: a deferrable reader does not wait for the active',
    breaks('Serializable', 11),
    {
      cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: deferrable([[2]]) },
      features: ['lag'],
    },
  ),
  broken(
    'declared-reads-untracked',
    '4: a declared reader leaves no floor: the read-only anomaly',
    breaks('Serializable', 10),
    {
      cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: declared([[1], [2]]) },
    },
  ),
  broken('declared-reads-not-tested', '4: a declared reader is never refused', breaks('Serializable', 10), {
    cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: declared([[1], [2]]) },
  }),
  broken(
    'declared-snapshot-not-held',
    'transactions are forgotten though a declared reader is older',
    breaks('Serializable', 10),
    {
      cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: declared([[1], [2]]) },
    },
  ),
  broken('absent-delete-unknown', '5: deleting an absent key is no version', breaks('Serializable', 8), {
    cast: { T: readWrite([[1]], [[1]]), D: readWrite([], [[1]]) },
    deletes: ['D'],
    keys: 1,
  }),
  broken(
    'savepoint-test-at-once',
    '6: a lost update is punished though a savepoint could still undo it',
    breaks('Permissive', 8),
    {
      cast: { T: readWrite([[1]], [[1]]), W: readWrite([], [[1]]) },
      features: ['savepoint'],
      keys: 1,
    },
  ),
  broken('own-writes-registered', '7: what was shown of own writes counts as read', breaks('Permissive', 8), {
    cast: { T: readWrite([[1]], [[1]]), W: readWrite([], [[1]]) },
    keys: 1,
  }),
  broken('range-delete-by-range', '8: a range delete conflicts by range, not key by key', breaks('Permissive', 7), {
    cast: { T: readWrite([[1]], [[1, 2]]), W: readWrite([], [[2]]) },
  }),
  broken(
    'for-update-sees-newest',
    '9: getForUpdate shows the newest version while the snapshot stays',
    breaks('RightVersions', 7),
    {
      cast: { T: readWrite([[1], [2]], []), H: readWrite([], [[1], [1, 2]]) },
      features: ['for-update'],
    },
  ),
  broken('for-update-sees-newest', '9: and a cycle is overlooked', breaks('Serializable', 8), {
    suffix: '-cycle',
    cast: { T: readWrite([[1], [2]], [[2]]), H: readWrite([], [[1, 2]]) },
    features: ['for-update'],
  }),
  broken(
    'snapshot-moves-always',
    '9: getForUpdate moves the snapshot though something read is stale',
    breaks('RightVersions', 7),
    {
      cast: { T: readWrite([[1], [2]], []), H: readWrite([], [[1]]) },
      features: ['for-update'],
    },
  ),
  broken(
    'summaries-not-suspected',
    '10: a search passes through a summarized transaction',
    breaks('Serializable', 14),
    {
      cast: { T: readWrite([[1]], [[3]]), V: readWrite([[3]], [[2]]), R: readWrite([[2]], [[1]]) },
      keys: 3,
      features: ['summaries'],
    },
  ),
  broken(
    'summarized-floor-ignored',
    '10: a search does not continue to summarized transactions in real time',
    breaks('Serializable', 12),
    {
      cast: { T: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), V: readWrite([], [[2]]) },
      features: ['summaries-in-any-order'],
    },
  ),
  broken('merged-not-marked', '11: an abort by merged reads is not marked conservative', breaks('Permissive', 10), {
    cast: { T: readWrite([[1], [3]], [[2]]), W: readWrite([], [[2]]), X: readWrite([[2]], [[1]]) },
    keys: 3,
    features: ['merging'],
  }),
  broken('no-real-time-edges', '12: the search follows stored edges only', breaks('Serializable', 11), {
    cast: { T: readWrite([[1], [3]], [[2], [3]]), U: readWrite([], [[1]]), V: readWrite([[2], [3]], [[2], [3]]) },
    keys: 3,
  }),
  broken('reader-commit-not-tested', '13: an undeclared reader is told by dooming only', breaks('Serializable', 15), {
    cast: { A: readWrite([[1]], [[2]]), B: readWrite([[3]], [[1]]), C: readWrite([], [[3]]), R: readWrite([[2]], []) },
    keys: 3,
  }),
  broken('floor-not-taken', '14: the floor leaves out the readers of what is overwritten', breaks('Serializable', 10), {
    cast: { T: readWrite([[1]], [[2]]), W: readWrite([[2]], [[3]]), X: readWrite([], [[1]]), R: lone([[3]]) },
    keys: 3,
    features: ['lag'],
  }),
  broken(
    'floor-not-raised-late',
    '14: a reader that comes after the overwriter raises no floor',
    breaks('Serializable', 14),
    {
      cast: { T: readWrite([[1]], [[2]]), W: readWrite([[2]], [[3]]), X: readWrite([], [[1]]), R: lone([[3]]) },
      keys: 3,
      features: ['lag'],
    },
  ),
  broken(
    'floors-dropped-early',
    '14: floors are dropped though an older transaction still runs',
    breaks('Serializable', 10),
    {
      cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: declared([[1], [2]]) },
    },
  ),
  broken('floors-never-dropped', 'floors are kept for ever', breaks('NothingKeptAtRest', 10), {
    cast: { W: readWrite([[1]], [[2]]), U: readWrite([], [[1]]), R: declared([[1], [2]]) },
  }),
  broken('no-fold', 'a forgotten transaction leaves no low behind', breaks('Serializable', 11), {
    cast: {
      A: readWrite([[1]], [[2]]),
      B: readWrite([], [[1]]),
      C: readWrite([[2], [3]], [[3]]),
      D: readWrite([[3]], [[2]]),
    },
    keys: 3,
  }),
  broken('no-ww-edges', 'blind writers are not ordered', breaks('Serializable', 8), {
    cast: { A: readWrite([[1]], [[2]]), B: readWrite([], [[1, 2]]) },
  }),
  broken('bound-not-tested', 'a cycle that closes in real time is overlooked', breaks('Serializable', 11), {
    cast: { A: any, B: any, C: any },
    alike: [['A', 'B', 'C']],
  }),
  broken('targets-not-tested', 'a committed reader of what is written is overlooked', breaks('Serializable', 9), {
    cast: { A: readWrite([[1]], [[2]]), B: readWrite([[2]], [[1]]) },
  }),
  broken('dangerous-structure-aborts', 'the dangerous structure alone aborts', breaks('Permissive', 11), {
    cast: { A: any, B: any, C: any },
    alike: [['A', 'B', 'C']],
  }),
  broken('active-readers-abort', 'readers that may yet abort count', breaks('Permissive', 10), {
    cast: { A: readWrite([[1]], [[2]]), B: readWrite([[2]], [[1]]), C: readWrite([], [[1]]) },
  }),
  broken('optimistic-validation', 'every stale read aborts', breaks('Permissive', 8), {
    cast: { A: readWrite([[1]], [[2]]), B: readWrite([], [[1]]) },
  }),
  broken('begin-at-published', 'a retry begins at the published sequence', breaks('VictimRetryWins', 7), {
    cast: { A: readWrite([[1]], [[1]]), B: readWrite([], [[1]]) },
    keys: 1,
    features: ['lag'],
  }),
  broken('first-committer-not-tested', "isolation: 'snapshot' loses updates", breaks('FirstCommitterWins', 7), {
    cast: { A: snapshotIsolated([[1]]), B: readWrite([], [[1]]) },
    keys: 1,
  }),
  broken(
    'readers-begin-at-decided',
    'a lone read shows what a crash could take back',
    breaks('ReadersSeeOnlyPublished', 5),
    {
      cast: { A: readWrite([], [[1]]), R: lone([[1]]) },
      keys: 1,
      features: ['lag'],
    },
  ),
  broken('told-when-decided', 'a commit is acknowledged before it is durable', breaks('AcknowledgedStands', 4), {
    cast: { A: readWrite([], [[1]]) },
    keys: 1,
    features: ['lag'],
  }),
  broken(
    'reader-told-at-once',
    'a transaction without writes is acknowledged though a crash could take back what it read',
    breaks('AcknowledgedStands', 7),
    {
      cast: { A: readWrite([], [[1]]), R: readWrite([[1]], []) },
      keys: 1,
      features: ['lag'],
    },
  ),
  broken(
    'failure-spares-the-active',
    'whoever has read what the failed log does not hold goes on',
    breaks('AfterFailureOnlyPublished', 6),
    {
      cast: { A: readWrite([], [[1]]), B: readWrite([[1]], [[1]]) },
      keys: 1,
      features: ['lag', 'log-failure'],
    },
  ),
  broken(
    'begin-at-decided-after-failure',
    'a transaction begins above what the failed log holds',
    breaks('AfterFailureOnlyPublished', 6),
    {
      cast: { A: readWrite([], [[1]]), B: readWrite([[1]], [[1]]) },
      keys: 1,
      features: ['lag', 'log-failure'],
    },
  ),
  broken(
    'begin-at-zero',
    'a transaction does not see what was acknowledged before',
    breaksProperty('BeginsAboveAcknowledged', 5),
    {
      cast: { A: readWrite([], [[1]]), B: readWrite([[1]], []) },
      keys: 1,
    },
  ),
  broken('keys-not-held', 'getForUpdate does not wait for who holds the key', breaks('QueuedUpdatesNeverAbort', 8), {
    cast: { A: readWrite([[1]], [[1]]), B: readWrite([[1]], [[1]]) },
    keys: 1,
    features: ['for-update-only'],
  }),
  broken('gate-not-waited-for', 'others commit while somebody holds the gate', breaksProperty('GateHolderWins', 7), {
    cast: { A: readWrite([[1]], [[1]]), B: readWrite([[1]], [[1]]) },
    keys: 1,
    features: ['gate'],
  }),
]
