import { createLimits } from '../../../../src/base/limits'
import { Manifest } from '../../../../src/storage/manifest/manifest'
import { gatherState, scanManifest, tablesOfEdits } from '../../../../src/storage/manifest/manifest-scan'
import type { ManifestEdit, ManifestState, TableRecord } from '../../../../src/storage/manifest/manifest-state'
import { createManifestState } from '../../../../src/storage/manifest/manifest-state'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

function table(number: number, level = 0): TableRecord {
  const start = `k${number}`
  return { level, run: number, number, fileBytes: 1000, entries: 3, firstSequence: number, lastSequence: number + 1, bounds: { start, end: `${start}~` } } // prettier-ignore
}

const EDITS: readonly ManifestEdit[] = [
  { addSegments: [1] },
  { addTables: [table(11)], flushedThrough: 12 },
  { addSegments: [2, 4] },
  { addTables: [table(13), table(15)], flushedThrough: 16, firstSegment: 4 },
  { addTables: [{ ...table(13), level: 1 }], removeTables: [{ level: 0, number: 11 }, { level: 0, number: 13 }] },
  { logEnd: { end: { segment: 4, offset: 8192, sequence: 20, checksum: 7 }, clean: true } },
] // prettier-ignore

async function written(): Promise<{ bytes: Buffer; number: number; state: ManifestState }> {
  const runtime = createMemoryRuntime({ seed: 1 })
  await runtime.files.createDirectory('/db')
  const limits = createLimits({ manifestRoomBytes: 64 * 1024 })
  const manifest = Manifest.prepare(runtime, createManifestState(), {
    directory: '/db',
    limits,
    onFailed: () => undefined,
  })
  await manifest.begin({})
  for (const edit of EDITS) await manifest.apply(edit)
  const { state, fileNumber: number } = manifest
  await manifest.close()
  const [, bytes] = [...runtime.durableImage('everything').files].find(([file]) => file.endsWith('.manifest'))!
  return { bytes: Buffer.from(bytes), number, state }
}

/** Each edit and each seal takes a page; the first one begins at 4096. */
const offsetOf = (ordinal: number): number => 4096 * (1 + ordinal)

describe('a manifest scanned', () => {
  it('says of a sound one what opening reads', async () => {
    const { bytes, number, state } = await written()
    const scan = scanManifest(bytes, number, 'm')
    expect(scan).toMatchObject({ isWhole: true, problems: [], tornAt: undefined, state })
    expect(gatherState(scan.edits)).toEqual(state)
  })

  it('goes on behind a damaged edit, and knows that it is not whole', async () => {
    const { bytes, number, state } = await written()
    bytes[offsetOf(4) + 30]! ^= 1
    const scan = scanManifest(bytes, number, 'm')
    expect(scan.isWhole).toBe(false)
    expect(scan.problems).toMatchObject([{ offset: offsetOf(4), length: 4096 }])
    expect(scan.state!.flushedThrough).toBe(0)
    const { recordByNumber, removed } = tablesOfEdits(scan.edits)
    expect([...recordByNumber.keys()]).toEqual([15, 13])
    expect([...removed]).toEqual([11])
    expect(gatherState(scan.edits)).toEqual(state)
  })

  it('takes damage at the end without a witness for an edit that was never in force', async () => {
    const { bytes, number } = await written()
    const last = offsetOf(2 * EDITS.length + 1)
    bytes[last + 9]! ^= 1
    expect(scanManifest(bytes, number, 'm')).toMatchObject({ isWhole: true, problems: [], tornAt: last })
  })

  it('finds bytes that should be zero: behind the header, behind an edit, and behind everything', async () => {
    for (const at of [100, offsetOf(2) + 2000, 60_000]) {
      const { bytes, number, state } = await written()
      bytes[at] = 1
      const scan = scanManifest(bytes, number, 'm')
      expect(scan.state).toEqual(state)
      expect(scan.isWhole).toBe(true)
      expect([...scan.problems.map(({ offset }) => offset), scan.tornAt]).toContain(at)
    }
  })

  it('reads edits without a header, but not those of another file', async () => {
    const { bytes, number, state } = await written()
    bytes[5]! ^= 1
    const scan = scanManifest(bytes, number, 'm')
    expect(scan.state).toEqual(state)
    expect(scan.problems).toMatchObject([{ offset: 0 }])
    expect(scanManifest(bytes, number + 1, 'm').edits).toEqual([])
  })

  it.each([0, 10, 4096, 4100, 20_000])('reads what is left of one that was cut at %i', async (length) => {
    const { bytes, number } = await written()
    const scan = scanManifest(bytes.subarray(0, length), number, 'm')
    expect(scan.isWhole).toBe(false)
    expect(scan.problems.length).toBeGreaterThan(0)
    expect(scan.edits).toHaveLength(
      Math.max(0, Math.floor(length / 4096) - 1) + (length % 4096 > 100 && length > 8192 ? 1 : 0),
    )
  })
})
