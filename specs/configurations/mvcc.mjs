// MVCC.tla: what must hold, and its seeded bugs.
const INVARIANTS = [
  'SnapshotReads',
  'ReadYourWrites',
  'CursorIsExact',
  'UniqueSequences',
  'CollectionDropsNothingVisible',
]

export function createMvcc({ name, about, transactions, keys, values = [1], operations, bug, ...rest }) {
  return {
    name,
    module: 'MVCC',
    about,
    size: 'small',
    told: ['commits', 'operations', 'transaction', 'store', 'published', 'answer'],
    values: transactions,
    given: { transactions, keys, values },
    constants: {
      Transactions: `{${transactions.join(', ')}}`,
      Keys: `1..${keys}`,
      Values: `{${values.join(', ')}}`,
      OperationsMax: String(operations),
      Bugs: bug === undefined ? '{}' : `{"${bug}"}`,
    },
    // Transactions have no roles and are never compared, so they may be exchanged for each other.
    symmetry: `Permutations({${transactions.join(', ')}})`,
    ...rest,
  }
}

const broken = (bug, about, [invariant, length], size = {}) =>
  createMvcc({
    name: `mvcc-bug-${bug}`,
    about,
    bug,
    transactions: ['A', 'B'],
    keys: 1,
    operations: 1,
    invariants: [invariant],
    refutes: { invariant, length },
    ...size,
  })

export const mvcc = [
  createMvcc({
    name: 'mvcc-two',
    about: 'two transactions over two keys with two writes each, with a cursor each, while versions are collected',
    transactions: ['A', 'B'],
    keys: 2,
    operations: 2,
    invariants: INVARIANTS,
  }),
  createMvcc({
    name: 'mvcc-three',
    about: 'three transactions over one key, a write each',
    transactions: ['A', 'B', 'C'],
    keys: 1,
    operations: 1,
    invariants: INVARIANTS,
  }),
  broken('own-writes-not-shown', "a read skips the transaction's own writes", ['ReadYourWrites', 4]),
  broken('abort-leaves-writes', 'what an aborted transaction wrote stays', ['SnapshotReads', 5]),
  broken('sequence-from-snapshot', 'a commit takes the sequence after its snapshot', ['UniqueSequences', 7]),
  broken('published-not-retained', 'versions that the next reader sees are collected', [
    'CollectionDropsNothingVisible',
    8,
  ]),
  broken('newest-snapshot-only', 'versions of older snapshots are collected', ['CollectionDropsNothingVisible', 10], {
    transactions: ['A', 'B', 'C'],
  }),
  broken('tombstone-dropped-early', 'a tombstone goes though an older snapshot needs none', [
    'CollectionDropsNothingVisible',
    8,
  ]),
  broken('cursor-shows-later-writes', 'a cursor shows writes made after its start', ['CursorIsExact', 5]),
  broken('cursor-shows-tombstones', 'a cursor delivers deleted keys', ['CursorIsExact', 7]),
  broken(
    'range-delete-spares-own-puts',
    'a range delete does not cover earlier puts of its transaction',
    ['ReadYourWrites', 5],
    {
      keys: 2,
      operations: 2,
    },
  ),
]
