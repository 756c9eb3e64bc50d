// WalCommit.tla: what must hold, and its seeded bugs.
const INVARIANTS = ['AckedSurvives', 'RecoveredIsPrefix', 'CorruptionIsNotATornTail']
const PROPERTIES = ['NoAckAfterFsyncError']

function createWalCommit({ name, about, commits, segments = 2, empty = 1, bug, ...rest }) {
  return {
    name,
    module: 'WalCommit',
    about,
    size: 'small',
    constants: {
      CommitsMax: String(commits),
      SegmentsMax: String(segments),
      EmptyMax: String(empty),
      Bugs: bug === undefined ? '{}' : `{"${bug}"}`,
    },
    ...rest,
  }
}

const broken = (bug, about, [name, length]) => {
  const isProperty = PROPERTIES.includes(name)
  return createWalCommit({
    name: `wal-bug-${bug}`,
    about,
    bug,
    commits: 3,
    ...(isProperty ? { properties: [name] } : { invariants: [name] }),
    refutes: { [isProperty ? 'property' : 'invariant']: name, length },
  })
}

export const walCommit = [
  createWalCommit({
    name: 'wal-four-commits',
    about: 'four commits in any groups over two segments, up to two empty frames, a power cut and a damaged frame',
    commits: 4,
    empty: 2,
    invariants: INVARIANTS,
    properties: PROPERTIES,
  }),
  createWalCommit({
    name: 'wal-five-commits',
    about: 'five commits in any groups over three segments, up to two empty frames, a power cut and a damaged frame',
    commits: 5,
    segments: 3,
    empty: 2,
    size: 'full',
    invariants: INVARIANTS,
    properties: PROPERTIES,
  }),
  createWalCommit({
    name: 'wal-four-segments',
    about: 'five commits in any groups over four segments, up to three empty frames, a power cut and a damaged frame',
    commits: 5,
    segments: 4,
    empty: 3,
    size: 'full',
    invariants: INVARIANTS,
    properties: PROPERTIES,
  }),
  broken('acknowledge-before-sync', 'a commit is acknowledged when it is written', ['AckedSurvives', 5]),
  broken('segment-left-early', 'a segment is left before everything in it is durable', ['AckedSurvives', 9]),
  broken('bad-frames-skipped', 'recovery goes on behind a bad frame', ['RecoveredIsPrefix', 7]),
  broken('sync-retried', 'a failed sync is tried again', ['NoAckAfterFsyncError', 5]),
  broken('tail-not-probed', 'whatever does not verify is a torn tail', ['CorruptionIsNotATornTail', 8]),
  broken('promise-what-is-written', 'a frame promises what is written, not what is durable', [
    'CorruptionIsNotATornTail',
    6,
  ]),
]
