// The small models whose every edge becomes a test on the real engine (scripts/specs/paths, test/specs/paths.test.ts).
//
// Without symmetry, since a path names its transactions. Left out: configurations whose steps the engine takes by itself when memory
// is short (summaries, merged reads), and those too large to be walked edge by edge.
import { createMvcc } from './mvcc.mjs'
import { ssi } from './ssi.mjs'
import { createSsi, declared, intervals, lone, readWrite, snapshotIsolated } from './ssi-model.mjs'

const both = intervals(2)
const WHOLE = ['ssi-declared', 'ssi-lone', 'ssi-deferrable', 'ssi-four-roles', 'ssi-queues']

/** Lets a transaction of MVCC.tla commit only where the engine's first-committer rule does: who may is no matter there. */
const FIRST_COMMITTER =
  '\\A t \\in Transactions : transaction[t].status = "active" /\\ transaction\'[t].status = "committed" => ' +
  "\\A i \\in (transaction[t].snapshot + 1)..Len(commits) : DOMAIN commits[i] \\cap DOMAIN commits'[Len(commits')] = {}"

const createMvccPaths = (one) => ({ ...createMvcc({ invariants: [], ...one }), actionConstraint: FIRST_COMMITTER })

export const pathModels = [
  ...ssi.filter(({ name }) => WHOLE.includes(name)),
  createSsi({
    name: 'ssi-paths-ranges',
    about: 'two read-write transactions, points and ranges of two keys, with savepoints, rollbacks and getForUpdate',
    cast: { A: readWrite(both, both), B: readWrite(both, [[1], [1, 2]]) },
    keys: 2,
    features: ['lag', 'savepoint', 'rollback', 'for-update'],
  }),
  createSsi({
    name: 'ssi-paths-three',
    about: 'three read-write transactions over two keys, one that scans and one that deletes ranges',
    cast: { A: readWrite([[1], [1, 2]], [[1], [2]]), B: readWrite([[1], [2]], [[1, 2]]), C: readWrite([[2]], [[1]]) },
    keys: 2,
  }),
  createSsi({
    name: 'ssi-paths-readers',
    about: 'two read-write transactions, a declared reader and a lone scan',
    cast: { W: readWrite([[1]], [[2]]), U: readWrite([[2]], [[1]]), R: declared(both), S: lone(both) },
    keys: 2,
    features: ['lag'],
  }),
  createSsi({
    name: 'ssi-paths-gate',
    about: 'two read-write transactions over two keys, either of which may begin under the gate, with lag',
    cast: { A: readWrite(both, both), B: readWrite([[1], [2]], [[1], [2]]) },
    keys: 2,
    features: ['gate', 'lag'],
  }),
  createSsi({
    name: 'ssi-paths-snapshot',
    about: "two read-write transactions and one with isolation: 'snapshot'",
    cast: { A: readWrite(both, both), B: readWrite([[1]], [[2]]), S: snapshotIsolated([[1], [2]]) },
    keys: 2,
  }),
  createMvccPaths({
    name: 'mvcc-paths-one-key',
    about: 'two transactions over one key with two writes each, cursors and collection',
    transactions: ['A', 'B'],
    keys: 1,
    operations: 2,
  }),
  createMvccPaths({
    name: 'mvcc-paths-two-keys',
    about: 'two transactions over two keys with a write each, cursors and collection',
    transactions: ['A', 'B'],
    keys: 2,
    operations: 1,
  }),
].map((configuration) => ({ ...configuration, symmetry: undefined, invariants: [], properties: [] }))
