// Storage.tla: what must hold, and its seeded bugs.
const INVARIANTS = ['AckedSurvives', 'RecoveredIsPrefix', 'RecoveryIdempotent']
const PROPERTIES = ['SequenceMonotonic', 'StalledWritesGoOn']

function createStorage({ name, about, keys = 1, writes, steps, segments, tables = 2, crashes, bug, ...rest }) {
  return {
    name,
    module: 'Storage',
    about,
    size: 'small',
    constants: {
      Keys: `1..${keys}`,
      WritesMax: String(writes),
      StepsMax: String(steps),
      SegmentsMax: String(segments),
      TablesMax: String(tables),
      CrashesMax: String(crashes),
      Bugs: bug === undefined ? '{}' : `{"${bug}"}`,
    },
    ...rest,
  }
}

const broken = (bug, about, [name, length], size = {}) => {
  const isProperty = PROPERTIES.includes(name)
  return createStorage({
    name: `storage-bug-${bug}`,
    about,
    bug,
    writes: 2,
    steps: 2,
    segments: 3,
    crashes: 1,
    ...(isProperty ? { properties: [name] } : { invariants: [name] }),
    refutes: { [isProperty ? 'property' : 'invariant']: name, length },
    ...size,
  })
}

export const storage = [
  createStorage({
    name: 'storage-two-crashes',
    about: 'three commits of two keys, flushes, merges and two crashes, at every step and inside recovery',
    keys: 2,
    writes: 3,
    steps: 3,
    segments: 4,
    crashes: 2,
    invariants: INVARIANTS,
    properties: ['SequenceMonotonic'],
  }),
  createStorage({
    name: 'storage-four-writes',
    about:
      'five commits of two keys of which four stay, flushes, merges and two crashes, at every step and inside recovery',
    keys: 2,
    writes: 4,
    steps: 5,
    segments: 5,
    tables: 3,
    crashes: 2,
    size: 'full',
    invariants: INVARIANTS,
    properties: ['SequenceMonotonic'],
  }),
  createStorage({
    name: 'storage-goes-on',
    about: 'stalled writes go on, whatever crashes',
    writes: 3,
    steps: 3,
    segments: 4,
    crashes: 1,
    properties: ['StalledWritesGoOn'],
  }),
  broken('segments-removed-early', 'segments are removed before the edit is durable', ['AckedSurvives', 9]),
  broken('served-before-persisted', 'recovery serves what may be in the page cache alone', ['AckedSurvives', 6], {
    crashes: 2,
  }),
  broken('old-segment-appended', 'recovery goes on writing behind a torn tail', ['AckedSurvives', 11], {
    crashes: 2,
    steps: 3,
  }),
  broken('tombstone-dropped-above-older', 'a merge drops a tombstone above an older table', ['RecoveredIsPrefix', 26], {
    writes: 3,
    steps: 3,
    segments: 4,
    tables: 4,
    crashes: 0,
  }),
  broken(
    'segments-removed-while-recovering',
    'recovery removes segments before their table is in the manifest',
    ['RecoveryIdempotent', 6],
    { crashes: 2 },
  ),
  broken(
    'sequence-from-tables',
    'the next sequence is counted from what tables still hold',
    ['SequenceMonotonic', 20],
    {
      writes: 3,
      steps: 3,
      crashes: 0,
    },
  ),
  broken('merges-wait-for-commits', 'merges get their turn from commits alone', ['StalledWritesGoOn', 17], {
    writes: 3,
    steps: 3,
    segments: 4,
    crashes: 0,
  }),
]
