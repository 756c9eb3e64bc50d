/**
 * A disk that is full under a whole database: on the memory runtime's small disk, and on a small tmpfs where one can be mounted.
 *
 * Commits that put get `DiskFullError` and leave nothing, reads and commits of deletes alone go on, and with room again all
 * goes on. A database that is opened on a full disk can be read. Whether a tmpfs can be mounted is decided at run time (root on
 * Linux): where not, the test says so, and the disk in memory is what was tested.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DiskFullError, InvalidArgumentError, open } from '../../src/index'
import type { OpenOptions } from '../../src/index'
import { createLimits } from '../../src/base/limits'
import { Events } from '../../src/kv/events'
import { Database } from '../../src/kv/database'
import { createTransactionStore } from '../../src/mvcc/transaction-store'
import { openLsmEngine } from '../../src/storage/lsm-engine'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { stateOf } from './log-damage-image'

const KiB = 1024
const SIZES = {
  segmentBytesMin: 64 * KiB, segmentBytesMax: 64 * KiB, transactionBytesMax: 16 * KiB, logSliceBytes: 16 * KiB,
  reserveBytes: 512 * KiB, memtableBytesMax: 64 * KiB, walBytesMax: 128 * KiB, tableBytesMax: 64 * KiB, manifestRoomBytes: 16 * KiB,
  backoffMsMin: 1, backoffMsMax: 5,
} // prettier-ignore

/** A disk of a few megabytes. */
interface SmallDisk {
  open(options?: { readOnly?: boolean }): Promise<Database>
  /** Takes what room is left, but for less than a page. */
  fill(): void
  /** Gives room back, and more than there was. */
  empty(): void
  /** How much is kept aside by now. */
  reservedBytes(): Promise<number>
}

function memoryDisk(): SmallDisk {
  const runtime = createMemoryRuntime({ capacityBytes: 4096 * KiB })
  const limits = createLimits(SIZES)
  return {
    open: async ({ readOnly = false } = {}) => {
      const engine = await openLsmEngine(runtime, '/data/db', { limits, create: !readOnly, readOnly, ioMode: 'thread' })
      const store = createTransactionStore(runtime, engine, limits, { durability: 'sync', onAbort: () => undefined })
      const events = new Events(undefined)
      const parts = { path: '/data/db', runtime, store, operations: engine, limits, events, readOnly }
      return new Database({ ...parts, guards: 'standard', keepOrigins: false })
    },
    fill: () => {
      runtime.capacityBytes = runtime.usedBytes
    },
    empty: () => {
      runtime.capacityBytes = 64 * 1024 * KiB
    },
    reservedBytes: async () => (await runtime.files.status('/data/db/RESERVE'))?.size ?? 0,
  }
}

function tmpfsDisk(mount: string): SmallDisk {
  const ballast = path.join(mount, 'ballast')
  return {
    open: (options: OpenOptions = {}) => open(path.join(mount, 'db'), { ...SIZES, ...options }),
    fill: () => {
      for (let piece = 0; ; piece++) {
        const { bavail, bsize } = statfsSync(mount)
        if (bavail === 0) return
        writeFileSync(`${ballast}${piece}`, Buffer.alloc(bavail * bsize))
      }
    },
    empty: () => {
      for (let piece = 0; piece < 100; piece++) rmSync(`${ballast}${piece}`, { force: true })
    },
    reservedBytes: () =>
      Promise.resolve(statSync(path.join(mount, 'db', 'RESERVE'), { throwIfNoEntry: false })?.size ?? 0),
  }
}

/** Puts until the disk is full; what was acknowledged is what must be there. */
async function putUntilFull(db: Database, rows: Map<string, string>, name: string): Promise<DiskFullError> {
  for (let i = 0; i < 10_000; i++) {
    const [key, value] = [`${name} ${String(i).padStart(5, '0')}`, 'v'.repeat(2000)]
    try {
      await db.put(key, value)
      rows.set(key, value)
    } catch (error) {
      expect(error).toBeInstanceOf(DiskFullError)
      return error as DiskFullError
    }
  }
  throw new Error('the disk is never full')
}

async function expectRows(db: Database, rows: ReadonlyMap<string, string>): Promise<void> {
  const expected = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`)
  expect((await stateOf(db)).rows).toBe(expected.join('\n'))
}

/** Tries again as an application would, until the pause after the last failure is over: each attempt takes some turns. */
async function untilCommitted(commit: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await commit()
      return
    } catch (error) {
      if (!(error instanceof DiskFullError) || attempt > 100_000) throw error
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

async function liveThroughAFullDisk(disk: SmallDisk): Promise<void> {
  const rows = new Map<string, string>()
  const db = await disk.open()
  for (let i = 0; i < 20; i++) {
    await db.put(`old ${i}`, String(i))
    rows.set(`old ${i}`, String(i))
  }
  await db.flush()
  await untilReserved(disk)
  disk.fill()
  const refusal = await putUntilFull(db, rows, 'one')
  expect(refusal).toMatchObject({ code: 'DISK_FULL', retryable: false })
  await expectRows(db, rows)
  // A transaction of many puts is refused as a whole.
  await expect(db.transact((tx) => ['x', 'y', 'z'].forEach((key) => tx.put(key, 'w'.repeat(4000))))).rejects.toThrow(DiskFullError) // prettier-ignore
  await expectRows(db, rows)
  for (let i = 0; i < 20; i++) {
    await db.delete(`old ${i}`)
    rows.delete(`old ${i}`)
  }
  await db.transact((tx) => tx.deleteRange({ gte: 'one 00000', lt: 'one 00003' }))
  for (const key of [...rows.keys()]) if (key < 'one 00003') rows.delete(key)
  await expectRows(db, rows)
  disk.empty()
  await untilCommitted(() => db.put('again', '1'))
  rows.set('again', '1')
  await expectRows(db, rows)
  await db.close()
  await openOnAFullDisk(disk, rows)
}

/** It opens: with what is kept aside for writing too, else for reading. */
async function openOnAFullDisk(disk: SmallDisk, rows: Map<string, string>): Promise<void> {
  disk.fill()
  const db = await disk.open()
  await expectRows(db, rows)
  await putUntilFull(db, rows, 'two')
  await expectRows(db, rows)
  await db.close()
  disk.fill()
  // By now even what was kept aside may be gone: then it opens for reading.
  const again = await disk.open()
  await expectRows(again, rows)
  await putUntilFull(again, rows, 'three')
  await expectRows(again, rows)
  await again.close()
  const reader = await disk.open({ readOnly: true })
  await expectRows(reader, rows)
  await reader.close()
  disk.empty()
  const last = await disk.open()
  await expectRows(last, rows)
  await untilCommitted(() => last.put('at last', '1'))
  rows.set('at last', '1')
  await expectRows(last, rows)
  await last.close()
}

/** The space kept aside is filled in the background; until it is there is nothing to keep the promise with. */
async function untilReserved(disk: SmallDisk): Promise<void> {
  while ((await disk.reservedBytes()) < SIZES.reserveBytes) await new Promise((resolve) => setImmediate(resolve))
}

test('a full disk in memory: puts are refused, deletes and reads go on, and with room all goes on', async () => {
  await liveThroughAFullDisk(memoryDisk())
})

test('a full tmpfs: the same on a real file system, where one can be mounted', async () => {
  const mount = mkdtempSync(path.join(tmpdir(), 'strictkv-full-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'strictkv', mount], { encoding: 'utf8' })
  try {
    if (mounted.status !== 0) {
      console.log(`no tmpfs can be mounted here (${mounted.stderr.trim()}): the disk in memory is what was tested`)
      // What remains to be said of this machine: a directory that is not there is no database either.
      await expect(open(path.join(mount, 'db'), { create: false })).rejects.toThrow(InvalidArgumentError)
      return
    }
    await liveThroughAFullDisk(tmpfsDisk(mount))
  } finally {
    if (mounted.status === 0) spawnSync('umount', [mount])
    rmSync(mount, { recursive: true, force: true })
  }
})
