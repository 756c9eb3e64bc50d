/** The manifest of a checkpoint, from that of its origin and what was copied. */
import { isLoadedAt, newestSequence, checkpointState } from '../../../../src/storage/checkpoint/checkpoint-state'
import type { ManifestState } from '../../../../src/storage/manifest/manifest-state'
import {
  applyEdit,
  createManifestState,
  editProblem,
  stateToEdit,
} from '../../../../src/storage/manifest/manifest-state'
import { databaseMarkOf } from '../../../../src/storage/manifest/database-mark'
import type { PlacedFile } from '../../../../src/storage/table/table-set'

const table = (number: number, lastSequence: number, loadedAt?: number): PlacedFile => {
  const properties = {
    ...{ fileNumber: number, fileBytes: 1000, entries: 10, firstSequence: loadedAt ?? 1, lastSequence },
    bounds: { start: `t${String(number).padStart(3, '0')}`, end: `t${String(number).padStart(3, '0')}x` },
    ...(loadedAt === undefined ? {} : { loadedAt }),
  }
  return { level: 1, run: 3, file: { number, properties } } as unknown as PlacedFile
}

const origin: ManifestState = {
  ...createManifestState(),
  options: new Map([
    ['codec', 'deflate'],
    ['database-mark', '00000007'],
  ]),
  nextFileNumber: 12,
  nextSegment: 6,
  flushedThrough: 30,
  firstSegment: 4,
  segments: [4, 5],
}
const end = { segment: 7, offset: 8192, sequence: 40, checksum: 5 }

test('names the tables pinned, the segments written, and a log that ends exactly there', () => {
  const places = [table(11, 30), table(3, 20)]
  const log = { segments: [6, 7], end, bytes: 9000 }
  const state = checkpointState(origin, { places, flushedThrough: 30, log, databaseMark: 255 })
  expect(state.tables.map(({ number, level, run }) => [number, level, run])).toEqual([[3, 1, 3], [11, 1, 3]]) // prettier-ignore
  expect(state).toMatchObject({ flushedThrough: 30, segments: [6, 7], firstSegment: 6, nextSegment: 8, logEnd: end, clean: true }) // prettier-ignore
  expect(state.nextFileNumber).toBe(12)
  expect(state.options.get('codec')).toBe('deflate')
  expect(databaseMarkOf(state)).toBe(255)
})

test('needs no segment where everything is in tables, and uses no number again', () => {
  const log = { segments: [], end: undefined, bytes: 0 }
  const state = checkpointState(origin, { places: [table(40, 30)], flushedThrough: 30, log, databaseMark: 1 })
  expect(state).toMatchObject({ segments: [], firstSegment: 6, nextSegment: 6, logEnd: undefined, clean: false })
  expect(state.nextFileNumber).toBe(41)
})

test('is what a manifest can say: the one edit that leads to it is sound', () => {
  const log = { segments: [6, 7], end, bytes: 9000 }
  const parts = { places: [table(3, 20), table(11, 30, 30)], flushedThrough: 29, log, databaseMark: 1 }
  const state = checkpointState(origin, parts)
  const edit = stateToEdit(state)
  expect(editProblem(createManifestState(), edit)).toBeUndefined()
  expect(applyEdit(createManifestState(), edit)).toEqual(state)
})

test('knows the newest sequence of a set, and which commit was a load', () => {
  expect(newestSequence({ places: [] })).toBe(0)
  const places = [table(3, 20), table(11, 35, 35), table(4, 30)]
  expect(newestSequence({ places })).toBe(35)
  expect([isLoadedAt({ places }, 35), isLoadedAt({ places }, 20), isLoadedAt({ places }, 36)]).toEqual([true, false, false]) // prettier-ignore
})
