import { InvalidArgumentError, DatabaseLockedError, AbortedError } from '../../../../src/base/errors'
import type { VerifyProgress, VerifyReport } from '../../../../src/base/verification'
import { verifyStore } from '../../../../src/storage/inspect/verify-store'
import { openLsmDatabase } from '../../../support/harness/lsm-database'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { buildDatabase, DAMAGED_DIRECTORY } from '../../../salvage/damaged-database'
import type { KnownDatabase } from '../../../salvage/damaged-database'

let database: KnownDatabase
beforeAll(async () => {
  for (let seed = 1; ; seed++) {
    database = await buildDatabase(seed)
    const tables = [...database.disk.files.keys()].filter((file) => file.endsWith('.table'))
    if (database.ending === 'closed' && tables.length > 2) return
  }
})

type Change = (files: Map<string, Uint8Array>) => void

function world(change: Change = () => undefined): MemoryRuntime {
  const files = new Map(database.disk.files)
  change(files)
  return createMemoryRuntime({ seed: 1, files: { ...database.disk, files } })
}

async function verified(change: Change): Promise<VerifyReport> {
  return verifyStore(world(change), DAMAGED_DIRECTORY)
}

function pathsOf(extension: string): string[] {
  return [...database.disk.files.keys()].filter((file) => file.endsWith(extension)).sort((a, b) => (a < b ? -1 : 1))
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1)
}

function flip(file: string, at: number): Change {
  return (files) => {
    const bytes = files.get(file)!.slice()
    bytes[at]! ^= 1
    files.set(file, bytes)
  }
}

describe('verification of a store', () => {
  it('finds nothing in a sound one, and tells what it is made of', async () => {
    const report = await verified(() => undefined)
    expect(report).toMatchObject({ ok: true, damages: [], notes: [], sequence: database.lastSequence })
    expect(report.tables).toBe(pathsOf('.table').length)
    expect(report.rows).toBeGreaterThan(0)
    const names = [...database.disk.files.keys()].map(nameOf).filter((name) => name !== 'LOCK')
    expect(report.files.map(({ file }) => file)).toEqual(names.sort((a, b) => (a < b ? -1 : 1)))
    expect(report.files.every(({ state }) => state === 'sound')).toBe(true)
    expect(report.bytes).toBe(report.files.reduce((sum, { bytes }) => sum + bytes, 0))
  })

  it('goes on after the first damage: one in each table, each told with its place', async () => {
    const tables = pathsOf('.table')
    const report = await verified((files) => tables.forEach((table) => flip(table, 25)(files)))
    expect(report.ok).toBe(false)
    expect(report.damages.map(({ file }) => file)).toEqual(expect.arrayContaining(tables.map(nameOf)))
    expect(report.damages.find(({ file }) => file === nameOf(tables[0]!))).toMatchObject({
      offset: 0,
      what: 'the checksum does not match',
    })
    expect(report.files.filter(({ state }) => state === 'damaged')).toHaveLength(tables.length)
    expect(report.rows).toBeGreaterThan(0)
  })

  it('tells of a file that should be there and is not', async () => {
    const [table] = pathsOf('.table')
    const missing = await verified((files) => files.delete(table!))
    expect(missing.damages).toMatchObject([{ file: nameOf(table!), what: 'the manifest names it, but it is missing' }])
    expect(missing.files).toContainEqual({ file: nameOf(table!), bytes: 0, state: 'missing' })
    for (const log of pathsOf('.log').slice(0, 1)) {
      expect((await verified((files) => files.delete(log))).damages.some(({ file }) => file === nameOf(log))).toBe(true)
    }
  })

  it('tells of one place once, whoever finds it first, and of a missing segment of the log once', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const db = await openLsmDatabase(runtime, DAMAGED_DIRECTORY)
    for (let i = 0; i < 20; i++) await db.put(`k${i}`, 'v')
    const disk = runtime.durableImage('everything')
    await db.close()
    const log = [...disk.files.keys()].find((file) => file.endsWith('.log'))!
    const reboot = (change: Change): Promise<VerifyReport> => {
      const files = new Map(disk.files)
      change(files)
      return verifyStore(createMemoryRuntime({ seed: 1, files: { ...disk, files } }), DAMAGED_DIRECTORY)
    }
    const { damages } = await reboot(flip(log, 3 * 4096 + 100))
    expect(damages).toMatchObject([{ file: nameOf(log), offset: 3 * 4096, length: 4096 }])
    expect(damages[0]!.what).toMatch(/does not verify, but the log was durable/)
    const missing = await reboot((files) => files.delete(log))
    expect(missing.damages.filter(({ file }) => file === nameOf(log))).toHaveLength(1)
    const manifest = [...disk.files.keys()].find((file) => file.endsWith('.manifest'))!
    const first = await reboot(flip(manifest, 4096 + 30))
    expect(first.damages.filter(({ file, offset }) => file === nameOf(manifest) && offset === 4096)).toHaveLength(1)
  })

  it('takes a file that the system does not hand over for no damage: it ends, and says which', async () => {
    const [table] = pathsOf('.table')
    const runtime = createMemoryRuntime({
      seed: 1,
      files: database.disk,
      inject: ({ operation, path }) => (operation === 'open' && path === table ? 'EACCES' : undefined),
    })
    await expect(verifyStore(runtime, DAMAGED_DIRECTORY)).rejects.toMatchObject({ code: 'IO', file: table })
  })

  it('finds a table that is another than the one the manifest describes', async () => {
    const [table] = pathsOf('.table')
    const other = await buildDatabase(77)
    const bytes = [...other.disk.files].find(([file]) => file.endsWith('.table'))![1]
    const report = await verified((files) => files.set(table!, bytes))
    expect(report.damages.some(({ file }) => file === nameOf(table!))).toBe(true)
  })

  it('looks at everything by itself where CURRENT or the manifest is gone', async () => {
    const [table] = pathsOf('.table')
    const harmed = flip(table!, 25)
    for (const lost of [`${DAMAGED_DIRECTORY}/CURRENT`, pathsOf('.manifest').at(-1)!]) {
      const report = await verified((files) => (harmed(files), files.delete(lost)))
      const names = report.damages.map(({ file }) => file)
      expect(names).toContain(nameOf(lost))
      expect(names).toContain(nameOf(table!))
    }
  })

  it('takes orphans and files of others for no damage', async () => {
    const report = await verified((files) => {
      files.set(`${DAMAGED_DIRECTORY}/0000099999.table`, Buffer.from('left behind'))
      files.set(`${DAMAGED_DIRECTORY}/notes.txt`, Buffer.from('mine'))
      files.set(`${DAMAGED_DIRECTORY}/0000099999.log`, Buffer.alloc(8192))
    })
    expect(report.ok).toBe(true)
    expect(report.notes.map(({ file }) => file)).toEqual(['0000099999.log', '0000099999.table', 'notes.txt'])
  })

  it('finds a segment with commits that the manifest does not name', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const db = await openLsmDatabase(runtime, DAMAGED_DIRECTORY)
    await db.put('a', 'b')
    const disk = runtime.durableImage('everything')
    await db.close()
    const reboot = (files: ReadonlyMap<string, Uint8Array>): Promise<VerifyReport> =>
      verifyStore(createMemoryRuntime({ seed: 1, files: { ...disk, files } }), DAMAGED_DIRECTORY)
    expect((await reboot(disk.files)).ok).toBe(true)
    const report = await reboot(withoutLastEdits(disk.files))
    expect(report.damages.map(({ what }) => what)).toEqual(['it has commits, but the manifest does not name it'])
  })

  it('refuses what is no database, and one that somebody has open', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    await runtime.files.createDirectory('/empty')
    await expect(verifyStore(runtime, '/empty')).rejects.toThrow(InvalidArgumentError)
    await expect(verifyStore(runtime, '/nowhere')).rejects.toThrow(/no such directory/)
    const db = await openLsmDatabase(runtime, '/open')
    await expect(verifyStore(runtime, '/open')).rejects.toThrow(DatabaseLockedError)
    await db.close()
    expect((await verifyStore(runtime, '/open')).ok).toBe(true)
  })

  it('tells how far it is, up to the end, and stops when asked to', async () => {
    const seen: VerifyProgress[] = []
    await verifyStore(world(), DAMAGED_DIRECTORY, { onProgress: (progress) => seen.push(progress) })
    expect(seen.length).toBeGreaterThan(0)
    expect(seen.at(-1)!.bytes).toBe(seen.at(-1)!.bytesTotal)
    const signal = { aborted: false, reason: 'enough' }
    const onProgress = (): void => void (signal.aborted = true)
    await expect(verifyStore(world(), DAMAGED_DIRECTORY, { signal, onProgress })).rejects.toThrow(AbortedError)
  })
})

/** The manifest as it was when it began: what came later is unknown to it. */
function withoutLastEdits(files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  return new Map(
    [...files].map(([file, bytes]) => [file, file.endsWith('.manifest') ? bytes.slice().fill(0, 3 * 4096) : bytes]),
  )
}
