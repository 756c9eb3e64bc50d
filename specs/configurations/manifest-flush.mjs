// ManifestFlush.tla: what must hold, and its seeded bugs.
const INVARIANTS = ['ManifestRefsExist', 'WalNeededKept', 'NoLiveFileDeleted']

function createManifestFlush({ name, about, batches, tables, manifests, crashes, bug, ...rest }) {
  return {
    name,
    module: 'ManifestFlush',
    about,
    size: 'small',
    constants: {
      BatchesMax: String(batches),
      TablesMax: String(tables),
      ManifestsMax: String(manifests),
      CrashesMax: String(crashes),
      Bugs: bug === undefined ? '{}' : `{"${bug}"}`,
    },
    ...rest,
  }
}

const broken = (bug, about, [invariant, length]) =>
  createManifestFlush({
    name: `manifest-bug-${bug}`,
    about,
    bug,
    batches: 2,
    tables: 3,
    manifests: 2,
    crashes: 0,
    invariants: [invariant],
    refutes: { invariant, length },
  })

export const manifestFlush = [
  createManifestFlush({
    name: 'manifest-flush-crash',
    about: 'two batches flushed and compacted, a switch of manifests, a reader that pins, a crash at any moment',
    batches: 2,
    tables: 3,
    manifests: 2,
    crashes: 1,
    invariants: INVARIANTS,
  }),
  createManifestFlush({
    name: 'manifest-flush-two-crashes',
    about: 'three batches, five tables, three manifests, two crashes',
    batches: 3,
    tables: 5,
    manifests: 3,
    crashes: 2,
    size: 'full',
    invariants: INVARIANTS,
  }),
  createManifestFlush({
    name: 'manifest-flush-three-batches',
    about: 'three batches and four tables, so that compactions follow each other, and a crash at any moment',
    batches: 3,
    tables: 4,
    manifests: 2,
    crashes: 1,
    size: 'full',
    invariants: INVARIANTS,
  }),
  broken('segment-name-not-synced', 'a segment takes commits before its name is certain', ['WalNeededKept', 2]),
  broken('table-not-synced', 'an edit refers to a table that is not synced', ['ManifestRefsExist', 6]),
  broken('table-name-not-synced', 'an edit refers to a table whose name is not certain', ['ManifestRefsExist', 6]),
  broken('edit-before-table', 'an edit is written before its table is finished', ['ManifestRefsExist', 4]),
  broken('memory-before-edit-synced', 'memory changes before the edit is durable', ['WalNeededKept', 8]),
  broken('segment-removed-early', 'a segment is removed before the edit that replaces it is durable', [
    'WalNeededKept',
    4,
  ]),
  broken('inputs-removed-early', 'inputs of a compaction are removed before its edit is durable', [
    'ManifestRefsExist',
    17,
  ]),
  broken('pinned-removed', 'a table is removed under a reader', ['NoLiveFileDeleted', 23]),
  broken('manifest-not-synced', 'CURRENT names a manifest that is not synced', ['ManifestRefsExist', 4]),
  broken('manifest-name-not-synced', 'CURRENT names a manifest whose name is not certain', ['ManifestRefsExist', 4]),
  broken('old-manifest-removed-early', 'the old manifest is removed before CURRENT is certain', [
    'ManifestRefsExist',
    5,
  ]),
]
