/**
 * What an engine must be able to do to be measured beside the others, each in its own best way.
 *
 * The cases (contender-cases.ts) are the same for all; an adapter only says how this engine is asked. StrictKV's adapter is
 * strictkv-contender.ts; those of other engines are in bench/peers, a package of its own, because they need what they measure
 * installed. What an engine does not offer its adapter leaves out, and the report shows a dash.
 */

/** When a write is acknowledged. 'sync': on disk. 'os': with the operating system; survives the death of the process. */
export type ContenderDurability = 'sync' | 'os'

/** One open database of an engine. Values are 100 bytes, keys text of 20 characters. */
export interface Contender {
  /** The value, in memory that the caller owns; blocks for a disk read if it must. */
  readonly getSync?: (key: string) => Uint8Array | undefined
  /** The value in memory that the next read overwrites. */
  readonly getBorrowed?: (key: string) => Uint8Array | undefined
  /** The value, without blocking the event loop. */
  readonly get?: (key: string) => Promise<Uint8Array | undefined>
  /** Takes `rows` rows from `from` on one by one, looks at each, and says how many there were. */
  readonly scanRows?: (from: string, rows: number) => number | Promise<number>
  /** The same, many at a time. */
  readonly scanPages?: (from: string, rows: number) => number | Promise<number>
  /** Writes in one transaction. */
  putMany(keys: readonly string[], values: readonly Uint8Array[]): void | Promise<void>
  /** Loads ascending keys into the empty database, in the way that the engine has for it. */
  loadSorted(rows: Iterable<readonly [string, Uint8Array]>): void | Promise<void>
  /** One transaction: reads a key (throws unless it has a value), writes another. Acknowledged when it resolves. */
  commit(readKey: string, writeKey: string, value: Uint8Array): void | Promise<void>
  /** The same, in the way that suits one client which nobody else competes with. */
  readonly commitAlone?: (readKey: string, writeKey: string, value: Uint8Array) => void | Promise<void>
  /** Resolves when background work has ended; may compact first where that makes reads faster. */
  settle(): Promise<void>
  /** Rewrites everything as small as the engine can make it. */
  compact(): void | Promise<void>
  close(): void | Promise<void>
}

/** Opens, or creates, a database in a directory that exists. `rows` is how many it is going to hold. */
export type OpenContender = (directory: string, options: ContenderOptions) => Promise<Contender>

/** How a database is opened. */
export interface ContenderOptions {
  readonly durability: ContenderDurability
  readonly rows: number
}

/** What a module of an engine exports. */
export interface ContenderModule {
  readonly openContender: OpenContender
}

/** Memory for blocks of tables, for every engine that has such a cache. */
export const CACHE_BYTES = 256 * 1024 * 1024

/** Throws for a row that nobody wrote. */
export function requireValue(value: Uint8Array | undefined | null): void {
  if (value?.length !== 100) throw new Error('A key that was written has no value')
}
