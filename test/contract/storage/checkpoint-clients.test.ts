/**
 * Checkpoints of a database that 64 clients are writing to: each is a serializable prefix, and stays what it was.
 *
 * Every client moves money between accounts, whose sum never changes, counts its transfers under a key of its own, and writes down each
 * commit with its sequence. A copy at sequence S must be what the commits through S make, replayed one after the other; it
 * must have every transfer that was acknowledged before it was asked for; and neither its files nor its rows may change whatever
 * becomes of the origin.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SerializationError } from '../../../src/base/errors'
import { open } from '../../../src/index'
import type { Database } from '../../../src/kv/database'
import { openLsmDatabase } from '../../support/harness/lsm-database'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { SeededRandom, replayCommand, testSeed } from '../../support/oracle/random'

const CLIENTS = 64
const ACCOUNTS = 100
const COMMITS_BETWEEN = 150
const OPENING_BALANCE = 1000
const LIMITS = {
  reserveBytes: 0,
  memtableBytesMax: 128 * 1024,
  walBytesMax: 512 * 1024,
  segmentBytesMin: 64 * 1024,
  segmentBytesMax: 256 * 1024,
}

/** The writes of one commit. */
interface Committed {
  readonly sequence: number
  readonly writes: ReadonlyMap<string, string>
}

const accountKey = (account: number): string => `account/${String(account).padStart(3, '0')}`
const clientKey = (client: number): string => `client/${String(client).padStart(3, '0')}`

/** The bank and what its clients know. */
class Bank {
  readonly committed: Committed[] = []
  /** Acknowledged transfers of each client. */
  readonly acknowledged: number[] = Array.from({ length: CLIENTS }, () => 0)
  readonly #db: Database
  readonly #random: SeededRandom
  #isOver = false
  #failure: Error | undefined

  constructor(db: Database, seed: number) {
    this.#db = db
    this.#random = new SeededRandom(seed)
  }

  async open(): Promise<void> {
    const writes = new Map<string, string>()
    for (let account = 0; account < ACCOUNTS; account++) writes.set(accountKey(account), `${OPENING_BALANCE}`)
    for (let client = 0; client < CLIENTS; client++) writes.set(clientKey(client), '0')
    const tx = this.#db.begin()
    for (const [key, value] of writes) tx.put(key, value)
    this.committed.push({ sequence: (await tx.commit()).sequence, writes })
  }

  /** All clients, each transferring until `stop`. */
  run(): Promise<unknown> {
    return Promise.all(Array.from({ length: CLIENTS }, (_, client) => this.#client(client)))
  }

  stop(): void {
    this.#isOver = true
  }

  /** Throws what has ended a client. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async #client(client: number): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#transfer(client)
        this.acknowledged[client]!++
      } catch (error) {
        if (error instanceof SerializationError) continue
        this.#failure = error as Error
        this.#isOver = true
      }
      // The next turn: a client waits for nothing else where commits need no disk.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async #transfer(client: number): Promise<void> {
    const random = this.#random
    const from = accountKey(random.below(ACCOUNTS))
    const to = accountKey(random.below(ACCOUNTS))
    const amount = random.below(20)
    const tx = this.#db.begin()
    try {
      const writes = new Map<string, string>()
      const before = Number(await tx.get(from))
      if (from !== to) {
        const other = Number(await tx.get(to))
        writes.set(from, `${before - amount}`).set(to, `${other + amount}`)
      }
      writes.set(clientKey(client), `${Number(await tx.get(clientKey(client))) + 1}`)
      writes.set(`log/${client}/${this.acknowledged[client]! + 1}`, 'x'.repeat(100 + random.below(200)))
      for (const [key, value] of writes) tx.put(key, value)
      const { sequence } = await tx.commit()
      this.committed.push({ sequence, writes })
    } finally {
      tx.rollback()
    }
  }

  /** What the commits through `sequence` make, in their order. */
  rowsAt(sequence: number): Map<string, string> {
    const rows = new Map<string, string>()
    const ordered = [...this.committed].sort((a, b) => a.sequence - b.sequence)
    for (const { sequence: at, writes } of ordered)
      if (at <= sequence) for (const [key, value] of writes) rows.set(key, value)
    return rows
  }
}

/** What was asked for, and what was acknowledged by then. */
interface Taken {
  readonly directory: string
  readonly sequence: number
  readonly acknowledged: readonly number[]
}

async function rowsOf(db: Database): Promise<Map<string, string>> {
  const rows = new Map<string, string>()
  for await (const page of db.scan().pages(256)) for (const [key, value] of page) rows.set(String(key), String(value))
  return rows
}

function expectPrefix(bank: Bank, { sequence, acknowledged }: Taken, rows: ReadonlyMap<string, string>): void {
  const accounts = Array.from({ length: ACCOUNTS }, (_, account) => Number(rows.get(accountKey(account))))
  expect(accounts.reduce((sum, balance) => sum + balance, 0)).toBe(ACCOUNTS * OPENING_BALANCE)
  for (const [client, count] of acknowledged.entries()) {
    const has = Number(rows.get(clientKey(client)))
    expect(has).toBeGreaterThanOrEqual(count)
    expect(has === 0 || rows.has(`log/${client}/${has}`)).toBe(true)
    expect(rows.has(`log/${client}/${has + 1}`)).toBe(false)
  }
  const expected = bank.rowsAt(sequence)
  expect(rows.size).toBe(expected.size)
  for (const [key, value] of expected) if (rows.get(key) !== value) throw new Error(`${key} is not what commits through ${sequence} make it`) // prettier-ignore
}

/** Lets the clients work for a while: until `commits` more were acknowledged. */
async function untilCommitted(bank: Bank, commits: number): Promise<void> {
  const until = bank.committed.length + commits
  while (bank.committed.length < until) {
    bank.check()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

interface World {
  readonly db: Database
  /** The directory of a copy with this name. */
  place(name: string): string
  /** Hashes of all files of a copy, by their names. */
  hashes(directory: string): ReadonlyMap<string, string>
  openCopy(directory: string): Promise<Database>
}

/** Takes copies one after the other; flushes and merges that somebody asks for, too, go on meanwhile, and end once the load does. */
async function takeUnderLoad(
  world: World,
  bank: Bank,
  copies: number,
): Promise<{ taken: Taken[]; disturbances: Promise<void>[] }> {
  const taken: Taken[] = []
  const disturbances: Promise<void>[] = []
  for (let copy = 0; copy < copies; copy++) {
    await untilCommitted(bank, COMMITS_BETWEEN)
    const acknowledged = [...bank.acknowledged]
    const directory = world.place(`copy-${copy}`)
    disturbances.push(copy % 2 === 0 ? world.db.compact() : world.db.flush())
    const { sequence } = await world.db.checkpoint(directory)
    taken.push({ directory, sequence, acknowledged })
  }
  return { taken, disturbances }
}

async function judgeAll(world: World, seed: number, copies: number): Promise<void> {
  const bank = new Bank(world.db, seed)
  await bank.open()
  const clients = bank.run()
  const { taken, disturbances } = await takeUnderLoad(world, bank, copies)
  const before = taken.map(({ directory }) => world.hashes(directory))
  await untilCommitted(bank, COMMITS_BETWEEN)
  bank.stop()
  await clients
  bank.check()
  await Promise.all(disturbances)
  await world.db.compact()
  await world.db.close()
  const sequences = taken.map(({ sequence }) => sequence)
  expect([...sequences].sort((a, b) => a - b)).toEqual(sequences)
  for (const [index, copy] of taken.entries()) {
    // The LOCK that an opening writes to is not looked at, and nothing else has changed.
    expect(world.hashes(copy.directory)).toEqual(before[index])
    const opened = await world.openCopy(copy.directory)
    const rows = await rowsOf(opened)
    await opened.close()
    expectPrefix(bank, copy, rows)
  }
}

async function judgeSeeded(world: World, seed: number): Promise<void> {
  try {
    await judgeAll(world, seed, 3)
  } catch (error) {
    throw new Error(`${replayCommand(seed, __filename)}: ${(error as Error).message}`, { cause: error })
  }
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('under 64 clients in memory, with a disk whose calls come back in any order', async () => {
  const seed = testSeed(11)
  const runtime = createMemoryRuntime({ seed })
  const db = await openLsmDatabase(runtime, '/db', { limits: LIMITS })
  const world: World = {
    db,
    place: (name) => `/copies/${name}`,
    hashes: (directory) => {
      const { files } = runtime.durableImage('everything')
      const own = [...files].filter(([name]) => name.startsWith(`${directory}/`) && !name.endsWith('/LOCK'))
      return new Map(own.map(([name, bytes]) => [name, hashOf(bytes)]))
    },
    openCopy: (directory) => openLsmDatabase(runtime, directory, { limits: LIMITS }),
  }
  await judgeSeeded(world, seed)
})

test('under 64 clients on this machine, with its threads', async () => {
  const seed = testSeed(12)
  const root = mkdtempSync(path.join(tmpdir(), 'strictkv-checkpoint-'))
  try {
    const world: World = {
      db: await open(path.join(root, 'db'), { ...LIMITS, durability: 'os' }),
      place: (name) => path.join(root, 'copies', name),
      hashes: (directory) => {
        const names = readdirSync(directory).filter((name) => name !== 'LOCK')
        return new Map(names.map((name) => [name, hashOf(readFileSync(path.join(directory, name)))]))
      },
      openCopy: (directory) => open(directory, { readOnly: true }),
    }
    await judgeSeeded(world, seed)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
