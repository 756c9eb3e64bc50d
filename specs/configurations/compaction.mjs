// Compaction.tla: what must hold, and its seeded bugs.
const INVARIANTS = ['CompactionTransparent', 'NoResurrection', 'SnapshotStable', 'LevelsDisjoint', 'NewerAbove']

function createCompaction({ name, about, keys = 2, writes, snapshots, bug, ...rest }) {
  return {
    name,
    module: 'Compaction',
    about,
    size: 'small',
    constants: {
      Keys: `1..${keys}`,
      WritesMax: String(writes),
      LastLevel: '2',
      SnapshotsMax: String(snapshots),
      Bugs: bug === undefined ? '{}' : `{"${bug}"}`,
    },
    ...rest,
  }
}

const broken = (bug, about, [invariant, length], size = {}) =>
  createCompaction({
    name: `compaction-bug-${bug}`,
    about,
    bug,
    keys: 1,
    writes: 3,
    snapshots: 1,
    invariants: [invariant],
    refutes: { invariant, length },
    ...size,
  })

export const compaction = [
  createCompaction({
    name: 'compaction-one-key',
    about: 'three writes of one key, a snapshot or cursor, every plan that the rules allow',
    keys: 1,
    writes: 3,
    snapshots: 1,
    size: 'full',
    invariants: INVARIANTS,
  }),
  createCompaction({
    name: 'compaction-one-key-alone',
    about: 'three writes of one key, nobody reads but at the newest sequences',
    keys: 1,
    writes: 3,
    snapshots: 0,
    invariants: INVARIANTS,
  }),
  createCompaction({
    name: 'compaction-two-keys',
    about: 'two writes of two keys, a snapshot or cursor, every plan that the rules allow',
    writes: 2,
    snapshots: 1,
    invariants: INVARIANTS,
  }),
  createCompaction({
    name: 'compaction-two-keys-three-writes',
    about: 'three writes of two keys, a snapshot or cursor, every plan that the rules allow',
    writes: 3,
    snapshots: 1,
    size: 'full',
    invariants: INVARIANTS,
  }),
  broken('flush-below', 'a flushed memtable lands below older ones', ['NewerAbove', 7], { snapshots: 0 }),
  broken('cluster-not-closed', 'a merge takes a table and leaves an older one above', ['NewerAbove', 9], {
    snapshots: 0,
  }),
  broken('output-age-not-above', 'outputs are not the newest of their level', ['LevelsDisjoint', 11], { snapshots: 0 }),
  broken(
    'last-level-left-out',
    'a merge into the last level leaves out what it overlaps there',
    ['LevelsDisjoint', 15],
    { snapshots: 0 },
  ),
  broken('tombstone-dropped-early', 'a tombstone goes though an older snapshot keeps what it hides', [
    'CompactionTransparent',
    7,
  ]),
  broken(
    'tombstone-dropped-above-older',
    'a tombstone goes though an older version lies below',
    ['NoResurrection', 12],
    { snapshots: 0 },
  ),
  broken('newest-snapshot-only', 'versions of older snapshots are dropped', ['SnapshotStable', 9]),
  broken('published-not-retained', 'versions are dropped that the next reader sees', ['CompactionTransparent', 7], {
    snapshots: 0,
  }),
  broken('install-forgets-flushes', 'what was flushed during a merge is lost', ['CompactionTransparent', 9], {
    snapshots: 0,
  }),
  broken('cursor-not-pinned', 'a cursor without a snapshot goes on in the new tables', ['SnapshotStable', 10]),
]
