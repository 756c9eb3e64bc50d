/** The frozen manifests: how each was made, where it is, and what it says. */
import path from 'node:path'
import { createLimits } from '../../../src/base/limits'
import { Manifest } from '../../../src/storage/manifest/manifest'
import type { ManifestEdit, ManifestState, TableRecord } from '../../../src/storage/manifest/manifest-state'
import { createManifestState } from '../../../src/storage/manifest/manifest-state'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

/** The folder of all fixtures: in each `CURRENT`, one manifest, and `expected.json`. */
export const FIXTURES = path.join(__dirname, 'fixtures')

/** The edits of each fixture, after the first record. */
export const EDITS_BY_FIXTURE: ReadonlyMap<string, readonly ManifestEdit[]> = new Map([
  ['v1-new', []],
  ['v1-every-field', everyField()],
  ['v1-loaded', loaded()],
])

function table(number: number, level: number, start: string, end: string | undefined): TableRecord {
  const firstSequence = 2 ** 33 + number
  return { level, run: 2 ** 33 + level + (level === 0 ? number : 0), number, fileBytes: 4096 * number, entries: number, firstSequence, lastSequence: firstSequence + 5, bounds: { start, end } } // prettier-ignore
}

/** Every field and both kinds of bounds, the empty key, bytes that are no text, numbers beyond 32 bits. */
function everyField(): readonly ManifestEdit[] {
  return [
    { comparator: 'bytes', options: new Map([['codec', 'none']]), addSegments: [1] },
    { addTables: [table(7, 0, '', 'key\xff\0'), table(8, 0, '\0', undefined)], flushedThrough: 2 ** 33 },
    { addSegments: [3, 4], nextSegment: 9 },
    { addTables: [table(9, 1, '', 'm'), table(10, 1, 'm', undefined)], removeTables: [{ level: 0, number: 7 }, { level: 0, number: 8 }] },
    { addTables: [table(10, 2, 'm', undefined)], removeTables: [{ level: 1, number: 10 }] },
    { firstSegment: 4, flushedThrough: 2 ** 33 + 100 },
    { logEnd: { end: { segment: 4, offset: 12_288, sequence: 2 ** 33 + 120, checksum: 0x89abcdef }, clean: true } },
  ] // prettier-ignore
}

/** A table of a bulk load, whose rows are all of one sequence, and the codecs that blocks may have, of those that every runtime has. */
function loaded(): readonly ManifestEdit[] {
  const loadedAt = 2 ** 33 + 9
  const written = { ...table(7, 2, 'a', 'b\0'), firstSequence: loadedAt, lastSequence: loadedAt, loadedAt }
  const options = new Map([['codec', 'deflate'], ['codecs-used', 'deflate']]) // prettier-ignore
  return [{ comparator: 'bytes', options, addSegments: [1] }, { addTables: [written] }]
}

/** A state as it stands in `expected.json`: bytes as hexadecimal text. */
export function toPlain(state: ManifestState): unknown {
  const hex = (key: string): string => Buffer.from(key, 'latin1').toString('hex')
  const tables = state.tables.map(({ bounds, ...rest }) => {
    return { ...rest, start: hex(bounds.start), end: bounds.end === undefined ? null : hex(bounds.end) }
  })
  return { ...state, logEnd: state.logEnd ?? null, options: Object.fromEntries(state.options), tables }
}

/** Writes a manifest with `edits` as a running store would: the files, by name, and the last state. */
export async function writeManifest(
  edits: readonly ManifestEdit[],
): Promise<{ readonly files: ReadonlyMap<string, Uint8Array>; readonly state: ManifestState }> {
  const runtime = createMemoryRuntime({ seed: 7 })
  await runtime.files.createDirectory('/db')
  await runtime.files.syncDirectory('/')
  const manifest = Manifest.prepare(runtime, createManifestState(), {
    directory: '/db',
    limits: createLimits({ manifestRoomBytes: 64 * 1024 }),
    onFailed: (cause) => {
      throw cause
    },
  })
  await manifest.begin({})
  for (const edit of edits) await manifest.apply(edit)
  const { state } = manifest
  await manifest.close()
  const image = runtime.durableImage('synced-only')
  return { files: new Map([...image.files].map(([name, bytes]) => [path.basename(name), bytes])), state }
}
