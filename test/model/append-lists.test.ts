/**
 * The whole store, through the public interface on a real directory, judged by values alone: concurrent clients append to
 * shared lists and read them, with lone reads, declared readers, flushes and compactions in between.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Database } from '../../src/index'
import { SerializationError, open } from '../../src/index'
import { mergeAllTheTime } from '../support/harness/isolation-target'
import { LEAST_LIMITS } from '../support/harness/least-limits'
import { SeededRandom, replayCommand, testSeed } from '../support/oracle/random'
import type { ObservedTransaction } from '../support/oracle/value-checker'
import { findValueAnomaly } from '../support/oracle/value-checker'

const CLIENTS = 24
const TRANSACTIONS_PER_CLIENT = 60
const KEYS = Array.from({ length: 12 }, (_, i) => `list/${String(i).padStart(2, '0')}`)

const elementsOf = (value: Uint8Array | undefined) =>
  value === undefined || value.length === 0 ? [] : Buffer.from(value).toString().split(' ')

class Clients {
  readonly history: ObservedTransaction[] = []
  refusals = 0
  #time = 0
  #elements = 0

  constructor(
    readonly database: Database,
    readonly random: SeededRandom,
  ) {}

  async run(client: number): Promise<void> {
    for (let i = 0; i < TRANSACTIONS_PER_CLIENT; i++) {
      const name = `${client}.${i}`
      const kind = this.random.below(10)
      if (kind === 0) await this.loneRead(name)
      else if (kind === 1) await this.transaction(name, true)
      else await this.transaction(name, false)
      if (this.random.below(200) === 0) await this.database.flush()
    }
  }

  async loneRead(name: string): Promise<void> {
    const key = this.random.pick(KEYS)
    const begun = ++this.#time
    const list = elementsOf(await this.database.get(key))
    this.history.push({ name, begun, ended: ++this.#time, reads: new Map([[key, list]]), appends: new Map() })
  }

  async transaction(name: string, readOnly: boolean): Promise<void> {
    const reads = new Map<string, readonly string[]>()
    const appends = new Map<string, string[]>()
    const begun = ++this.#time
    const tx = this.database.begin({ readOnly, label: name })
    try {
      for (let step = 1 + this.random.below(4); step > 0; step--) {
        if (this.random.chance(0.25)) {
          const gte = this.random.pick(KEYS)
          for await (const [key, value] of tx.scan({ gte, limit: 1 + this.random.below(4) })) {
            this.#keep(reads, appends, Buffer.from(key).toString(), elementsOf(value))
          }
          continue
        }
        const key = this.random.pick(KEYS)
        const list = elementsOf(await tx.get(key))
        this.#keep(reads, appends, key, list)
        if (readOnly || this.random.chance(0.5)) continue
        const element = `e${++this.#elements}`
        tx.put(key, [...list, element].join(' '))
        appends.set(key, [...(appends.get(key) ?? []), element])
      }
      await tx.commit()
      this.history.push({ name, begun, ended: ++this.#time, reads, appends })
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      this.refusals++
    }
  }

  /** The first read of a key counts; its own appends are not part of it. */
  #keep(
    reads: Map<string, readonly string[]>,
    appends: ReadonlyMap<string, readonly string[]>,
    key: string,
    list: readonly string[],
  ): void {
    const others = list.slice(0, list.length - (appends.get(key)?.length ?? 0))
    const before = reads.get(key)
    if (before === undefined) reads.set(key, others)
    else expect(others).toEqual(before)
  }
}

test.each([
  ['sync', 'as it is', {}],
  ['os', 'as it is', {}],
  ['sync', 'merged all the time', LEAST_LIMITS],
] as const)(
  'append lists under %s are strictly serializable by their values, storage %s',
  async (durability, storage, limits) => {
    const seed = testSeed(4)
    const directory = mkdtempSync(path.join(os.tmpdir(), 'strictkv-lists-'))
    try {
      const database = await open(path.join(directory, 'data'), { durability, ...limits })
      const merging = storage === 'merged all the time' ? mergeAllTheTime(database) : undefined
      const clients = new Clients(database, new SeededRandom(seed))
      await Promise.all(Array.from({ length: CLIENTS }, (_, client) => clients.run(client)))
      const lists = new Map<string, readonly string[]>()
      for (const key of KEYS) lists.set(key, elementsOf(await database.get(key)))
      await merging?.end()
      if (merging !== undefined) expect(database.stats().storage.compactions).toBeGreaterThan(0)
      await database.close()
      const anomaly = findValueAnomaly(clients.history, lists)
      if (anomaly !== undefined) throw new Error(`${anomaly}\n${replayCommand(seed, 'test/model/append-lists')}`)
      expect(clients.refusals).toBeGreaterThan(20)
      expect(clients.history.length).toBeGreaterThan(CLIENTS * 20)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
)
