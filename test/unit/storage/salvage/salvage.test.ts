import { AbortedError, CorruptionError, DatabaseLockedError, InvalidArgumentError } from '../../../../src/base/errors'
import { createLimits } from '../../../../src/base/limits'
import { salvageStore } from '../../../../src/storage/salvage/salvage'
import type { SalvageOptions } from '../../../../src/storage/salvage/salvage'
import type { SalvageReport } from '../../../../src/storage/salvage/salvage-report'
import type { Database } from '../../../../src/index'
import { openLsmDatabase } from '../../../support/harness/lsm-database'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { DAMAGED_LIMITS } from '../../../salvage/damaged-database'

const KiB = 1024

/** The disk after a life; `close`: it ended with `close`. */
async function lived(life: (db: Database) => Promise<void>, close = true): Promise<DurableImage> {
  const runtime = createMemoryRuntime({ seed: 1 })
  const db = await openLsmDatabase(runtime, '/db', { limits: DAMAGED_LIMITS })
  await life(db)
  if (close) await db.close()
  const disk = runtime.durableImage('everything')
  if (!close) await db.close()
  return disk
}

function changed(disk: DurableImage, change: (files: Map<string, Uint8Array>) => void): MemoryRuntime {
  const files = new Map(disk.files)
  change(files)
  return createMemoryRuntime({ seed: 1, files: { ...disk, files } })
}

async function salvaged(
  runtime: MemoryRuntime,
  options: Partial<SalvageOptions> = {},
): Promise<{ report: SalvageReport; rows: string[] }> {
  const places = { directory: '/db', target: '/saved' }
  const report = await salvageStore(runtime, places, { limits: createLimits(DAMAGED_LIMITS), ...options })
  const db = await openLsmDatabase(runtime, '/saved', { limits: DAMAGED_LIMITS })
  const rows: string[] = []
  for await (const [key, value] of db.scan()) rows.push(`${String(key)}=${String(value)}`)
  await db.close()
  return { report, rows }
}

function pathOf(files: ReadonlyMap<string, Uint8Array>, extension: string): string {
  return [...files.keys()].filter((file) => file.endsWith(extension)).sort((a, b) => (a < b ? -1 : 1))[0]!
}

/** Two tables on top of each other, and a commit in the log. */
async function twoTables(db: Database): Promise<void> {
  await db.put('a', 'old')
  await db.put('b', 'old')
  await db.flush()
  await db.put('b', 'new')
  await db.delete('a')
  await db.put('c', 'new')
  await db.flush()
  await db.put('d', 'logged')
}

describe('a salvage', () => {
  it('lets the greatest sequence win, without any manifest too', async () => {
    const disk = await lived(twoTables)
    for (const lost of [
      [],
      ['CURRENT'],
      [pathOf(disk.files, '.manifest')],
      ['CURRENT', pathOf(disk.files, '.manifest')],
    ]) {
      const runtime = changed(disk, (files) =>
        lost.forEach((file) => files.delete(file.startsWith('/') ? file : `/db/${file}`)),
      )
      const { rows } = await salvaged(runtime)
      expect(rows).toEqual(['b=new', 'c=new', 'd=logged'])
    }
  })

  it('says what an unreadable list of tables leaves open, and that it is not complete', async () => {
    const disk = await lived(twoTables)
    const { report } = await salvaged(changed(disk, (files) => files.delete(pathOf(disk.files, '.manifest'))))
    expect(report).toMatchObject({ complete: false, manifest: 'lost', losses: [] })
    expect(report.doubts).toMatchObject([{ file: 'CURRENT', range: { start: '', end: undefined } }])
  })

  it('tells of a table that is gone its keys and commits', async () => {
    const disk = await lived(twoTables)
    const { report } = await salvaged(changed(disk, (files) => files.delete(pathOf(disk.files, '.table'))))
    expect(report).toMatchObject({ complete: false, manifest: 'suspect' })
    expect(report.losses).toMatchObject([{ range: { start: 'a', end: 'b\0' }, sequences: { first: 1, last: 2 } }])
  })

  it('reads the commits behind a damaged group, and tells which ones are lost', async () => {
    const disk = await lived(async (db) => {
      for (let i = 1; i <= 6; i++) await db.put(`key ${i}`, `value ${i}`)
    }, false)
    const [log] = [...disk.files].find(([, bytes]) => Buffer.from(bytes).includes('value 3'))!
    const runtime = changed(disk, (files) => {
      const bytes = files.get(log)!.slice()
      const at = Buffer.from(bytes).indexOf('value 3')
      bytes[at]! ^= 1
      files.set(log, bytes)
    })
    await expect(openLsmDatabase(runtime, '/db', { limits: DAMAGED_LIMITS })).rejects.toThrow(CorruptionError)
    const { report, rows } = await salvaged(runtime)
    expect(rows).toEqual([1, 2, 4, 5, 6].map((i) => `key ${i}=value ${i}`))
    expect(report.losses).toMatchObject([{ sequences: { first: 3, last: 3 } }])
    expect(report.sequence).toBe(6)
  })

  it('says where the lost commits were: behind the last intact frame, if need be of the segment before', async () => {
    const disk = await lived(async (db) => {
      for (let i = 0; i < 20; i++) await db.put(`key ${i}`, 'x'.repeat(1500))
    }, false)
    const logs = [...disk.files.keys()].filter((file) => file.endsWith('.log')).sort((a, b) => (a < b ? -1 : 1))
    const [first, second] = logs as [string, string]
    const cut = await salvaged(changed(disk, (files) => files.set(first, files.get(first)!.slice(0, 2 * 4096))))
    const [loss] = cut.report.losses
    expect(loss).toMatchObject({ file: first.slice('/db/'.length), offset: 2 * 4096, length: undefined })
    expect(loss!.sequences).toEqual({ first: 12, last: 12 })
    const blank = await salvaged(changed(disk, (files) => files.set(second, files.get(second)!.slice().fill(0, 4096, 2 * 4096)))) // prettier-ignore
    expect(blank.report.losses).toMatchObject([{ file: second.slice('/db/'.length), offset: 4096, length: 4096 }])
  })

  it('reads a log of more than fits in memory at a time', async () => {
    const disk = await lived(async (db) => {
      for (let i = 0; i < 12; i++) await db.put(`key ${i % 7}`, `${i} `.repeat(1500))
    }, false)
    const { report, rows } = await salvaged(
      changed(disk, () => undefined),
      {
        limits: createLimits({ ...DAMAGED_LIMITS, memtableBytesMax: 16 * KiB }),
      },
    )
    expect(rows.map((row) => row.split(' ').slice(0, 2).join(' '))).toEqual(
      [7, 8, 9, 10, 11, 5, 6].map((i, key) => `key ${key}=${i}`),
    )
    expect(report.losses).toEqual([])
  })

  it('gives sequences out on from the greatest that it knows of', async () => {
    const disk = await lived(twoTables)
    const runtime = changed(disk, (files) => files.delete(pathOf(disk.files, '.log')))
    const { report } = await salvaged(runtime)
    const db = await openLsmDatabase(runtime, '/saved', { limits: DAMAGED_LIMITS })
    expect((await db.put('next', 'x')).sequence).toBe(report.sequence + 1)
    expect(report.sequence).toBeGreaterThanOrEqual(5)
    await db.close()
  })

  it('takes a bulk load that no manifest vouches for only if it is told to, and lets everything else win', async () => {
    const disk = await lived(async (db) => {
      await db.put('x', 'before')
      await db.put('y', 'before')
      await db.load([['l1', 'loaded'], ['l2', 'loaded']]) // prettier-ignore
      await db.put('l2', 'later')
      await db.flush()
    })
    const lose = (files: Map<string, Uint8Array>): unknown => files.delete(pathOf(files, '.manifest'))
    const without = await salvaged(changed(disk, lose))
    expect(without.rows).toEqual(['l2=later', 'x=before', 'y=before'])
    expect(without.report.losses).toMatchObject([{ range: { start: 'l1', end: 'l2\0' } }])
    const taken = await salvaged(changed(disk, lose), { takeLoads: true })
    expect(taken.rows).toEqual(['l1=loaded', 'l2=later', 'x=before', 'y=before'])
    expect(taken.report.doubts.map(({ range }) => range.start)).toEqual(['', 'l1'])
    expect((await salvaged(changed(disk, () => undefined))).report.complete).toBe(true)
  })

  it('makes an empty database of one of which nothing can be read, and says so', async () => {
    const disk = await lived(twoTables)
    const { report, rows } = await salvaged(changed(disk, (files) => {
      for (const [file, bytes] of files) files.set(file, new Uint8Array(bytes.length).fill(0xa5))
    })) // prettier-ignore
    expect(rows).toEqual([])
    expect(report.complete).toBe(false)
    expect(report.losses.length + report.doubts.length).toBeGreaterThan(1)
  })
})

describe('the target of a salvage', () => {
  it('is refused if it holds something, lies within the old one, or is it', async () => {
    const disk = await lived(twoTables)
    const runtime = changed(disk, () => undefined)
    for (const directory of ['/empty', '/full', '/full/inside']) await runtime.files.createDirectory(directory)
    const limits = createLimits()
    for (const target of ['/db', '/db/saved', '/db/../db', '/db/CURRENT', '/full']) {
      await expect(salvageStore(runtime, { directory: '/db', target }, { limits })).rejects.toThrow(
        InvalidArgumentError,
      )
    }
    await expect(salvageStore(runtime, { directory: '/empty', target: '/new' }, { limits })).rejects.toThrow(
      /no database/,
    )
    expect(await runtime.files.status('/new')).toBeUndefined()
    await salvageStore(runtime, { directory: '/db', target: '/empty' }, { limits })
    await expect(salvageStore(runtime, { directory: '/db', target: '/empty' }, { limits })).rejects.toThrow(
      /empty or a new/,
    )
  })

  it('is made of no database that somebody has open', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const db = await openLsmDatabase(runtime, '/db', { limits: DAMAGED_LIMITS })
    const places = { directory: '/db', target: '/saved' }
    await expect(salvageStore(runtime, places, { limits: createLimits() })).rejects.toThrow(DatabaseLockedError)
    await db.close()
  })

  it.each(['crash', 'failure'] as const)('is no database after a %s at any write', async (what) => {
    const disk = await lived(twoTables)
    const places = { directory: '/db', target: '/saved' }
    const options = { limits: createLimits(DAMAGED_LIMITS) }
    for (let nth = 0; ; nth++) {
      let writes = 0
      const runtime = createMemoryRuntime({
        seed: 1,
        files: disk,
        inject: ({ operation, path }) => {
          const isWrite = path.startsWith('/saved') && ['write', 'sync', 'create', 'rename', 'sync-directory'].includes(operation)
          if (!isWrite || writes++ !== nth) return undefined
          return what === 'crash' ? 'crash-before' : 'EIO'
        },
      }) // prettier-ignore
      let isDone = false
      const salvaging = salvageStore(runtime, places, options).then(() => (isDone = true), () => undefined) // prettier-ignore
      while (!runtime.crashed && !(await settledSoon(salvaging)));
      if (isDone) {
        expect(nth).toBeGreaterThan(5)
        return
      }
      const reboot = createMemoryRuntime({ seed: 2, files: runtime.durableImage('everything') })
      if ((await reboot.files.status('/saved')) === undefined) continue
      const opened = await openLsmDatabase(reboot, '/saved', { limits: DAMAGED_LIMITS, readOnly: true }).catch(
        (error: unknown) => error as Error,
      )
      if (opened instanceof Error) continue
      // It was in force before the failure: then it is whole.
      expect(String(await opened.get('d'))).toBe('logged')
      await opened.close()
    }
  })

  it('is not there when the salvage is stopped, if it was not before', async () => {
    const disk = await lived(twoTables)
    const runtime = changed(disk, () => undefined)
    const signal = { aborted: false }
    const places = { directory: '/db', target: '/saved' }
    const onProgress = (): void => void (signal.aborted = true)
    await expect(salvageStore(runtime, places, { limits: createLimits(), signal, onProgress })).rejects.toThrow(
      AbortedError,
    )
    expect(await runtime.files.status('/saved')).toBeUndefined()
    await runtime.files.createDirectory('/saved')
    signal.aborted = false
    await expect(salvageStore(runtime, places, { limits: createLimits(), signal, onProgress })).rejects.toThrow(
      AbortedError,
    )
    expect(await runtime.files.list('/saved')).toEqual([])
  })
})

/** Whether a promise settles within a few turns. */
async function settledSoon(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  void promise.then(() => (isSettled = true))
  for (let turn = 0; turn < 50 && !isSettled; turn++) await new Promise((resolve) => setImmediate(resolve))
  return isSettled
}
