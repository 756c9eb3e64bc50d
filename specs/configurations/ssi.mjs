// What must hold of SSI.tla: casts small enough to be tried whole, each with the features it is for.
import { createSsi, declared, deferrable, intervals, lone, readWrite, snapshotIsolated } from './ssi-model.mjs'

const holds = {
  invariants: [
    'Serializable',
    'Permissive',
    'VictimRetryWins',
    'RightVersions',
    'ForgettingLosesNothing',
    'FirstCommitterWins',
    'ReadersSeeOnlyPublished',
    'NothingKeptAtRest',
  ],
  properties: ['BeginsAboveAcknowledged'],
}

const both = intervals(2)

export const ssi = [
  createSsi({
    name: 'ssi-two-anything',
    about: 'two read-write transactions that may read and write any of two keys or both at once, with all features',
    cast: { A: readWrite(both, both), B: readWrite(both, both) },
    alike: [['A', 'B']],
    keys: 2,
    features: ['lag', 'savepoint', 'rollback', 'for-update'],
    ...holds,
  }),
  createSsi({
    name: 'ssi-three-points',
    about: 'three read-write transactions that may read and write each of two keys; every commit is published at once',
    cast: {
      A: readWrite([[1], [2]], [[1], [2]]),
      B: readWrite([[1], [2]], [[1], [2]]),
      C: readWrite([[1], [2]], [[1], [2]]),
    },
    alike: [['A', 'B', 'C']],
    keys: 2,
    ...holds,
  }),
  createSsi({
    name: 'ssi-declared',
    about: 'two read-write transactions and a declared reader, with lag between decided and published',
    cast: { A: readWrite([[1], [2]], [[1], [2]]), B: readWrite([[1], [2]], [[1], [2]]), R: declared(both) },
    alike: [['A', 'B']],
    keys: 2,
    features: ['lag'],
    ...holds,
  }),
  createSsi({
    name: 'ssi-lone',
    about: 'two read-write transactions and two lone readers, with lag between decided and published',
    cast: {
      A: readWrite([[1], [2]], [[1], [2]]),
      B: readWrite([[1], [2]], [[1], [2]]),
      R: lone([[1], [2]]),
      S: lone([[1], [2]]),
    },
    alike: [
      ['A', 'B'],
      ['R', 'S'],
    ],
    keys: 2,
    features: ['lag'],
    ...holds,
  }),
  createSsi({
    name: 'ssi-deferrable',
    about: 'two read-write transactions and a deferrable reader, with lag between decided and published',
    cast: { A: readWrite([[1], [2]], [[1], [2]]), B: readWrite([[1], [2]], [[1], [2]]), R: deferrable(both) },
    alike: [['A', 'B']],
    keys: 2,
    features: ['lag'],
    ...holds,
  }),
  createSsi({
    name: 'ssi-snapshot',
    about: "two read-write transactions and one with isolation: 'snapshot'",
    cast: {
      A: readWrite([[1], [2]], [[1], [2]]),
      B: readWrite([[1], [2]], [[1], [2]]),
      S: snapshotIsolated([[1], [2]]),
    },
    alike: [['A', 'B']],
    keys: 2,
    ...holds,
  }),
  createSsi({
    name: 'ssi-four-roles',
    about: 'three writers in the roles of schedule 14 and two lone readers, with lag',
    cast: {
      T: readWrite([[1]], [[2]]),
      W: readWrite([[2]], [[3]]),
      X: readWrite([], [[1]]),
      R: lone([[3]]),
      S: lone([[3]]),
    },
    alike: [['R', 'S']],
    keys: 3,
    features: ['lag'],
    ...holds,
  }),
  createSsi({
    name: 'ssi-summaries',
    about: 'three read-write transactions, the oldest decided one summarized at any moment: extra aborts, no anomaly',
    cast: { T: readWrite([[1], [2]], [[1], [2]]), U: readWrite([[1], [2]], [[1], [2]]), V: readWrite([[1]], [[2]]) },
    alike: [['T', 'U']],
    keys: 2,
    features: ['summaries'],
    ...holds,
  }),
  createSsi({
    name: 'ssi-summaries-in-any-order',
    about: 'the same in the roles of schedule 10, any decided transaction summarized at any moment',
    cast: { T: readWrite([[1]], [[2], [3]]), U: readWrite([[2], [3]], [[1]]), V: readWrite([[3]], [[2]]) },
    keys: 3,
    features: ['summaries-in-any-order', 'lag'],
    ...holds,
  }),
  createSsi({
    name: 'ssi-merging',
    about: 'two read-write transactions over three keys whose reads may be merged to ranges, and a writer between',
    cast: { A: readWrite([[1], [3]], [[1], [2]]), B: readWrite([[1], [2]], [[2], [3]]), C: readWrite([[2]], [[1]]) },
    keys: 3,
    features: ['merging'],
    ...holds,
  }),
]
