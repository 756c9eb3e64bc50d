import { CorruptionError, DiskFullError, PoisonedError, UnsupportedFormatError } from '../../../../src/base/errors'
import { crc32 } from '../../../../src/base/checksum'
import { createLimits } from '../../../../src/base/limits'
import { Manifest } from '../../../../src/storage/manifest/manifest'
import {
  decodeEdit,
  decodeRecord,
  encodeEdit,
  encodeRecord,
  MANIFEST_BOUNDARY_BYTES,
} from '../../../../src/storage/manifest/manifest-format'
import { parseManifest, readManifest } from '../../../../src/storage/manifest/manifest-reader'
import type { ManifestEdit, ManifestState, TableRecord } from '../../../../src/storage/manifest/manifest-state'
import { createManifestState } from '../../../../src/storage/manifest/manifest-state'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { untilDoneOrCrashed } from '../../../crash/engine-scenario'

const limits = createLimits({ manifestRoomBytes: 64 * 1024 })
const smallLimits = createLimits({ manifestRoomBytes: 16 * 1024 })

function table(number: number, level = 0): TableRecord {
  const start = `k${number}`
  return { level, run: level === 0 ? number : 1, number, fileBytes: 1000 + number, entries: 3, firstSequence: number, lastSequence: number + 1, bounds: { start, end: `${start}~` } } // prettier-ignore
}

const EDITS: readonly ManifestEdit[] = [
  { addSegments: [1] },
  { addTables: [table(11)], flushedThrough: 12 },
  { addSegments: [2, 4], nextSegment: 9 },
  { addTables: [table(13), table(15)], flushedThrough: 16, firstSegment: 4 },
  { addTables: [table(17, 1)], removeTables: [{ level: 0, number: 11 }, { level: 0, number: 13 }] },
  { logEnd: { end: { segment: 4, offset: 8192, sequence: 20, checksum: 0xdeadbeef }, clean: true } },
] // prettier-ignore

interface Opened {
  readonly runtime: MemoryRuntime
  readonly manifest: Manifest
  readonly failures: Error[]
}

async function begin(options: { small?: boolean; runtime?: MemoryRuntime } = {}): Promise<Opened> {
  const runtime = options.runtime ?? createMemoryRuntime({ seed: 1 })
  if ((await runtime.files.status('/db')) === undefined) await runtime.files.createDirectory('/db')
  await runtime.files.syncDirectory('/')
  const failures: Error[] = []
  const manifest = Manifest.prepare(runtime, createManifestState(), {
    directory: '/db',
    limits: options.small === true ? smallLimits : limits,
    onFailed: (cause) => failures.push(cause),
  })
  await manifest.begin({})
  return { runtime, manifest, failures }
}

async function written(): Promise<{ bytes: Buffer; number: number; path: string; states: ManifestState[] }> {
  const { runtime, manifest } = await begin()
  const states = [manifest.state]
  for (const edit of EDITS) {
    await manifest.apply(edit)
    states.push(manifest.state)
  }
  const number = manifest.fileNumber
  await manifest.close()
  const path = `/db/${String(number).padStart(10, '0')}.manifest`
  const bytes = Buffer.from(runtime.durableImage('synced-only').files.get(path)!)
  return { bytes, number, path, states }
}

describe('the manifest', () => {
  test('says after reopening what was in force before', async () => {
    const { runtime, manifest } = await begin()
    for (const edit of EDITS) await manifest.apply(edit)
    const { state } = manifest
    await manifest.close()
    const found = await readManifest(createMemoryRuntime({ files: runtime.durableImage('synced-only') }), '/db')
    expect(found?.state).toEqual(state)
    expect(found?.tornAt).toBeUndefined()
    expect(state.tables.map(({ number }) => number)).toEqual([15, 17])
    expect(state.segments).toEqual([4])
    expect(state.clean).toBe(true)
  })

  test('an edit is durable when apply resolves, without a seal behind it', async () => {
    const { runtime, manifest } = await begin()
    for (const edit of EDITS) {
      await manifest.apply(edit)
      const found = await readManifest(createMemoryRuntime({ files: runtime.durableImage('synced-only') }), '/db')
      expect(found?.state).toEqual(manifest.state)
    }
    await manifest.close()
  })

  test('edits asked for at once are applied one after the other, in order', async () => {
    const { manifest } = await begin()
    await Promise.all(EDITS.map((edit) => manifest.apply(edit)))
    expect(manifest.state.tables.map(({ number }) => number)).toEqual([15, 17])
    await manifest.close()
  })

  test('file numbers are handed out once, over reopenings too', async () => {
    const { manifest } = await begin()
    const numbers = [manifest.fileNumber, manifest.allocateFileNumber(), manifest.allocateFileNumber()]
    await manifest.apply({})
    expect(new Set(numbers).size).toBe(3)
    expect(manifest.state.nextFileNumber).toBeGreaterThan(Math.max(...numbers))
    await manifest.close()
  })

  test('a full file is followed by a new one, and the old one is removed', async () => {
    const { runtime, manifest } = await begin({ small: true })
    const first = manifest.fileNumber
    for (let number = 1; number <= 20; number++) await manifest.apply({ addSegments: [number], firstSegment: number })
    expect(manifest.fileNumber).toBeGreaterThan(first)
    expect((await runtime.files.list('/db')).filter((name) => name.endsWith('.manifest'))).toHaveLength(1)
    const { state } = manifest
    await manifest.close()
    const found = await readManifest(createMemoryRuntime({ files: runtime.durableImage('synced-only') }), '/db')
    expect(found?.state).toEqual(state)
  })

  test('a crash at every I/O call of edits and switches leaves a manifest with every edit that was in force', async () => {
    const work = async (opened: Opened, applied: { count: number }): Promise<void> => {
      for (let number = 1; number <= 8; number++) {
        await opened.manifest.apply({ addSegments: [number] })
        applied.count = number
      }
    }
    const whole = await begin({ small: true })
    const from = whole.runtime.calls.length
    await work(whole, { count: 0 })
    const to = whole.runtime.calls.length
    expect(to - from).toBeGreaterThan(40)
    for (let at = from; at < to; at++) {
      for (const failure of ['crash-before', 'crash-after'] as const) {
        const opened = await begin({ small: true })
        opened.runtime.inject = (call) => (call.index === at ? failure : undefined)
        const applied = { count: 0 }
        await untilDoneOrCrashed(work(opened, applied), opened.runtime)
        for (const choice of ['synced-only', 'everything', { seed: at }, { seed: at + 1000 }] as const) {
          const rebooted = createMemoryRuntime({ files: opened.runtime.durableImage(choice) })
          const found = await readManifest(rebooted, '/db')
          expect(found!.state.segments.length).toBeGreaterThanOrEqual(applied.count)
          expect(found!.state.segments.length).toBeLessThanOrEqual(applied.count + 1)
        }
      }
    }
  })

  test('a failed write or sync poisons, and no further edit is made', async () => {
    for (const operation of ['write', 'sync'] as const) {
      const { runtime, manifest, failures } = await begin()
      runtime.inject = (call) => (call.operation === operation ? 'EIO' : undefined)
      await expect(manifest.apply({ addSegments: [1] })).rejects.toThrow(PoisonedError)
      runtime.inject = undefined
      await expect(manifest.apply({ addSegments: [2] })).rejects.toThrow(PoisonedError)
      expect(failures).toHaveLength(1)
      expect(manifest.state.segments).toEqual([])
      await manifest.close()
    }
  })

  test('an edit needs no room on the disk, and a switch without room has no effect', async () => {
    const { runtime, manifest, failures } = await begin({ small: true })
    runtime.isDiskFull = true
    await manifest.apply({ addSegments: [1] })
    let last = 1
    let refused: unknown
    while (refused === undefined) {
      await manifest.apply({ addSegments: [last + 1] }).then(
        () => last++,
        (error: unknown) => (refused = error),
      )
    }
    expect(refused).toBeInstanceOf(DiskFullError)
    expect(failures).toEqual([])
    runtime.isDiskFull = false
    await manifest.apply({ addSegments: [last + 1] })
    expect(manifest.state.segments.at(-1)).toBe(last + 1)
    expect((await runtime.files.list('/db')).filter((name) => name.endsWith('.manifest'))).toHaveLength(1)
    await manifest.close()
  })
})

describe('a damaged manifest', () => {
  test('cut at any byte it is refused by name', async () => {
    const { bytes, number, path } = await written()
    for (let length = 0; length < bytes.length; length += length < 9000 ? 1 : 509) {
      let error: unknown
      try {
        parseManifest(bytes.subarray(0, length), number, path)
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(CorruptionError)
      expect((error as CorruptionError).file).toBe(path)
    }
  })

  test('with any byte flipped it is refused by name, or says what it said', async () => {
    const { bytes, number, path, states } = await written()
    let refused = 0
    for (let at = 0; at < bytes.length; at++) {
      // Most of the file is zeros behind records, which nothing reads: a sample of those will do.
      if (bytes[at] === 0 && at % 37 !== 0) continue
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 1 << (at % 8)
      try {
        expect(parseManifest(damaged, number, path).state).toEqual(states.at(-1))
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error
        expect(error.file).toBe(path)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(250)
  })

  test('an unfinished last edit is cut, and so is what follows a lost seal', async () => {
    const { bytes, number, path, states } = await written()
    const records: number[] = []
    for (
      let at = MANIFEST_BOUNDARY_BYTES;
      decodeRecord(bytes, number, at).kind === 'record';
      at += MANIFEST_BOUNDARY_BYTES
    ) {
      records.push(at)
    }
    // First record, then a seal and an edit by turns, and a last seal.
    expect(records).toHaveLength(2 * EDITS.length + 2)
    const blank = (from: number): Buffer => Buffer.from(bytes).fill(0, from, from + MANIFEST_BOUNDARY_BYTES)
    // Last edit torn, before its seal was written.
    const torn = Buffer.from(bytes).fill(0, records.at(-2)! + 20)
    expect(parseManifest(torn, number, path).state).toEqual(states.at(-2))
    expect(parseManifest(torn, number, path).tornAt).toBe(records.at(-2))
    // The seal before the last edit lost, that edit kept, neither synced.
    const promising = Buffer.from(bytes).fill(0, records.at(-3), records.at(-2)).fill(0, records.at(-1))
    expect(parseManifest(promising, number, path).state).toEqual(states.at(-2))
    // Any synced edit lost: its seal, or the edit behind, bears witness.
    for (const at of records.slice(0, -1)) {
      if (records.indexOf(at) % 2 === 0 && at !== records.at(-1)) {
        expect(() => parseManifest(blank(at), number, path)).toThrow(CorruptionError)
      }
    }
  })

  test('missing, or CURRENT damaged in any bit: refused by name', async () => {
    const { runtime, manifest } = await begin()
    await manifest.close()
    const image = runtime.durableImage('synced-only')
    const current = Buffer.from(image.files.get('/db/CURRENT')!)
    for (let bit = 0; bit < current.length * 8; bit++) {
      const damaged = Buffer.from(current)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      const files = new Map([...image.files, ['/db/CURRENT', damaged]])
      await expect(readManifest(createMemoryRuntime({ files: { ...image, files } }), '/db')).rejects.toThrow(
        CorruptionError,
      )
    }
    const files = new Map([...image.files].filter(([path]) => !path.endsWith('.manifest')))
    await expect(readManifest(createMemoryRuntime({ files: { ...image, files } }), '/db')).rejects.toThrow(
      /manifest.*missing/,
    )
  })

  test('of a newer format, or with a field of one, it is refused as such', async () => {
    const { bytes, number, path } = await written()
    const newer = Buffer.from(bytes)
    newer.writeUInt32LE(2, 4)
    newer.writeUInt32LE(crc32(newer, 0, 28), 28)
    expect(() => parseManifest(newer, number, path)).toThrow(UnsupportedFormatError)
    const place = { fileNumber: number, offset: MANIFEST_BOUNDARY_BYTES, ordinal: 0, promise: 0 }
    const unknown = Buffer.from(bytes).fill(0, MANIFEST_BOUNDARY_BYTES)
    unknown.set(encodeRecord(Buffer.from([200, 1, 2, 3]), place), MANIFEST_BOUNDARY_BYTES)
    expect(() => parseManifest(unknown, number, path)).toThrow(UnsupportedFormatError)
    const reversed = Buffer.from(bytes).fill(0, MANIFEST_BOUNDARY_BYTES)
    reversed.set(encodeRecord(encodeEdit({ comparator: 'reversed' }), place), MANIFEST_BOUNDARY_BYTES)
    expect(() => parseManifest(reversed, number, path)).toThrow(UnsupportedFormatError)
  })

  test('a valid record whose edit cannot follow is corruption', async () => {
    const { bytes, number, path } = await written()
    for (const edit of [
      { removeTables: [{ level: 0, number: 99 }] },
      { addTables: [table(1), table(1)] },
      { addTables: [table(1, 7)] },
      { addTables: [{ ...table(1, 1), bounds: { start: 'a', end: 'z' } }, table(2, 1)] },
      {
        addTables: [
          { ...table(1), run: 5, bounds: { start: 'a', end: 'z' } },
          { ...table(2), run: 5 },
        ],
      },
      { addSegments: [3, 3] },
    ] as const) {
      const bad = Buffer.from(bytes).fill(0, MANIFEST_BOUNDARY_BYTES)
      const place = { fileNumber: number, offset: MANIFEST_BOUNDARY_BYTES, ordinal: 0, promise: 0 }
      bad.set(encodeRecord(encodeEdit(edit), place), MANIFEST_BOUNDARY_BYTES)
      expect(() => parseManifest(bad, number, path)).toThrow(CorruptionError)
    }
  })

  test('no payload whatever makes the decoder throw', () => {
    for (let seed = 1; seed < 3000; seed++) {
      const payload = Buffer.alloc(seed % 60)
      for (let i = 0; i < payload.length; i++)
        payload[i] = (Math.imul(seed + i, 2654435761) >>> 13) % (i % 3 === 0 ? 12 : 256)
      expect(['edit', 'bad']).toContain(decodeEdit(payload).kind)
    }
  })
})
