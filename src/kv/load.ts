/**
 * `db.load`: ascending pairs in, one commit out, whatever their number; every one of them checked at the door.
 *
 * Pairs may come from anything that can be iterated, at once or asynchronously; they are taken one at a time, so memory does
 * not grow with them, and the event loop gets its turns. Whatever ends the load early (a bad pair, an iterator that
 * throws, a full disk, `close`) leaves nothing of it, and the iterator is told that no more is wanted.
 *
 * Pinned by test/unit/kv/load.test.ts.
 */
import { describe, escapeKey, inputToKey, inputToValue } from '../base/bytes'
import type { Key } from '../base/bytes'
import { InvalidArgumentError } from '../base/errors'
import type { Limits } from '../base/limits'
import type { Store, StoreLoad } from '../mvcc/contract'
import type { BytesInput } from './bytes-type'
import type { Receipt } from './call-options'
import type { Events } from './events'
import { checkFunction, checkLabel, checkOptions } from './options'
import type { Turns } from './turns'

/** A key and its value. */
export type LoadPair = readonly [key: BytesInput, value: BytesInput]

/** Pairs in ascending order of their keys (byte by byte), each key once. */
export type LoadPairs = Iterable<LoadPair> | AsyncIterable<LoadPair>

/** What has been taken in so far; `bytes` are those of keys and values. */
export interface LoadProgress {
  readonly rows: number
  readonly bytes: number
}

/** How a load is made. */
export interface LoadOptions {
  /** Called now and then, and once at the end, before the commit. What it throws becomes a `backgroundError` event. */
  readonly onProgress?: ((progress: LoadProgress) => unknown) | undefined
  /** A name for reports. */
  readonly label?: string | undefined
}

/** What a load did. Of no rows at all: nothing, and its sequence is the newest published. */
export interface LoadReceipt extends Receipt, LoadProgress {}

/** What a load needs of its database. */
export interface LoadHost {
  readonly store: Store
  readonly limits: Limits
  readonly events: Events
}

/** What it shares with scans. */
export interface LoadTurns {
  readonly turns: Turns
  /** Throws `DatabaseClosedError` once the database is closed. */
  checkOpen(call: string): void
}

const NAMES = ['onProgress', 'label'] as const
/** Rows after which it is looked whether others want their turn. */
const ROWS_PER_LOOK = 16
/** Rows after which `onProgress` is told. */
const ROWS_PER_PROGRESS = 16_384

/** Loads `pairs`. Rejects with `InvalidArgumentError`, `LimitExceededError`, and what a commit can reject with. */
export async function loadPairs(
  host: LoadHost,
  turns: LoadTurns,
  { pairs, options }: { readonly pairs: LoadPairs; readonly options: LoadOptions | undefined },
): Promise<LoadReceipt> {
  if (options !== undefined) checkLoadOptions(options, host.limits)
  checkIterable(pairs)
  const loading = new Loading(host, turns, options ?? {})
  try {
    if (Symbol.asyncIterator in pairs) {
      for await (const pair of pairs) await loading.add(pair)
    } else {
      for (const pair of pairs) {
        const waiting = loading.add(pair)
        if (waiting !== undefined) await waiting
      }
    }
    return await loading.commit()
  } catch (error) {
    await loading.discard()
    throw error
  }
}

function checkLoadOptions(options: LoadOptions, limits: Limits): void {
  checkOptions(options, NAMES, 'load')
  if (options.onProgress !== undefined) checkFunction(options.onProgress, 'onProgress', 'load')
  checkLabel(options.label, limits.labelCharsMax)
}

function checkIterable(pairs: unknown): void {
  const isObject = typeof pairs === 'object' && pairs !== null
  if (isObject && (Symbol.asyncIterator in pairs || Symbol.iterator in pairs)) return
  throw new InvalidArgumentError(`Cannot load ${describe(pairs)}: give pairs of key and value that can be iterated`)
}

/** One load under way. */
class Loading {
  readonly #host: LoadHost
  readonly #turns: LoadTurns
  readonly #options: LoadOptions
  #load: StoreLoad | undefined
  #lastKey: Key | undefined
  #rows = 0
  #bytes = 0

  constructor(host: LoadHost, turns: LoadTurns, options: LoadOptions) {
    this.#host = host
    this.#turns = turns
    this.#options = options
  }

  /** One more pair; a promise where the next must wait. */
  add(pair: unknown): undefined | Promise<void> {
    const { store, limits } = this.#host
    const [givenKey, givenValue] = this.#checkPair(pair)
    const key = inputToKey(givenKey, limits.keyBytesMax)
    const value = inputToValue(givenValue, limits.valueBytesMax)
    this.#checkOrder(key)
    this.#load ??= store.load(this.#options.label)
    this.#lastKey = key
    this.#rows++
    this.#bytes += key.length + value.length
    const written = this.#load.add(key, value)
    if (this.#rows % ROWS_PER_PROGRESS === 0) this.#report()
    if (written !== undefined || this.#rows % ROWS_PER_LOOK > 0) return written
    this.#turns.checkOpen('load')
    return this.#turns.turns.spendRows(ROWS_PER_LOOK)
  }

  async commit(): Promise<LoadReceipt> {
    this.#turns.checkOpen('load')
    this.#report()
    const counts = { rows: this.#rows, bytes: this.#bytes }
    if (this.#load !== undefined) return { ...(await this.#load.commit()), ...counts }
    return { sequence: this.#host.store.stats().published, durable: true, ...counts }
  }

  async discard(): Promise<void> {
    await this.#load?.discard()
  }

  #report(): void {
    const { onProgress } = this.#options
    if (onProgress === undefined) return
    const progress = { rows: this.#rows, bytes: this.#bytes }
    this.#host.events.runCallback(() => onProgress(progress))
  }

  #checkPair(pair: unknown): LoadPair {
    if (Array.isArray(pair) && pair.length === 2) return pair as unknown as LoadPair
    throw new InvalidArgumentError(
      `Cannot load ${describe(pair)} as pair ${this.#rows + 1}: it must be an array of a key and a value`,
    )
  }

  #checkOrder(key: Key): void {
    const last = this.#lastKey
    if (last === undefined || key > last) return
    const why = key === last ? 'it came before' : `it comes after ${escapeKey(last)}`
    throw new InvalidArgumentError(
      `Cannot load ${escapeKey(key)} as pair ${this.#rows + 1}: ${why}, and keys must ascend byte by byte`,
    )
  }
}
