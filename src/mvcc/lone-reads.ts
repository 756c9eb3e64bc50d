/**
 * Lone reads: one-operation declared readers at the published sequence that never fail with a conflict.
 *
 * A lone read registers its keys, or the whole bounds of its scan, in its first step and tests there; if the test fails it
 * leaves nothing behind and does so again after the next publish (synchronous ones make the log durable inline first). Where
 * nothing is decided that is not published and no older read-write transaction runs, all of this costs two comparisons.
 * Pinned by schedules 1, 2 and 14 of test/scripts.
 * Spec: SSI!ReadLone, MVCC!ReadPublished.
 */
import type { Key } from '../base/bytes'
import { flattenKey } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import type { EngineCursor } from '../storage/engine'
import type { Reader } from './conflict-graph'
import type { Now, StoreCursor, StoreRow } from './contract'
import type { Environment } from './environment'
import { isSerializationError } from './environment'

/** The reader of lone reads: it holds no snapshot, since it takes the published one and tests in the same step. */
function createLoneReader(environment: Environment): Reader {
  return { id: 0, label: undefined, snapshot: environment.graph.core.published, onDoomed: () => undefined }
}

/** Whether a lone read needs neither a test nor a record. */
function isUntracked(environment: Environment): boolean {
  const { core } = environment.graph
  return core.decided === core.published && core.readWriteSnapshots.min >= core.published
}

/** One registration attempt: true if it passed, false if the read has to wait for the next publish. */
function passes(environment: Environment, register: (reader: Reader) => void): boolean {
  try {
    register(createLoneReader(environment))
    return true
  } catch (error) {
    if (!isSerializationError(error)) throw error
    const instead = environment.poisonedInstead(error)
    if (instead !== error) throw instead
    return false
  }
}

/** `Store.get`. The key is one for lookups: what keeps it makes it flat. */
export function loneGet(environment: Environment, key: Key): Now<Buffer | undefined> {
  const { engine, graph, acknowledgements } = environment
  if (!isUntracked(environment)) {
    const passed = passes(environment, (reader) => {
      graph.readKeyAsReader(reader, flattenKey(key))
    })
    if (!passed) return acknowledgements.nextPublish().then(() => loneGet(environment, key))
  }
  return engine.get(key, graph.core.published)
}

/** `Store.getSync`. */
export function loneGetSync(environment: Environment, key: Key): Buffer | undefined {
  const { engine, graph } = environment
  if (!isUntracked(environment)) {
    const register = (reader: Reader): void => {
      graph.readKeyAsReader(reader, flattenKey(key))
    }
    // Publishing inline brings everything decided at or below the snapshot: the second test passes, or the log has failed.
    if (!passes(environment, register)) {
      engine.publishSync()
      passes(environment, register)
    }
  }
  return engine.getSync(key, graph.core.published)
}

/** `Store.getMany`: one reader of all keys, at one sequence. */
export function loneGetMany(environment: Environment, keys: readonly Key[]): Now<(Buffer | undefined)[]> {
  const { engine, graph, acknowledgements } = environment
  if (!isUntracked(environment)) {
    const passed = passes(environment, (reader) => {
      graph.readKeysAsReader(reader, keys)
    })
    if (!passed) return acknowledgements.nextPublish().then(() => loneGetMany(environment, keys))
  }
  const sequence = graph.core.published
  // A pending read pins what it reads, so that the sequence stays readable without being held.
  const values = keys.map((key) => engine.get(key, sequence))
  const isPending = values.some((value) => value instanceof Promise)
  return isPending ? Promise.all(values.map((value) => Promise.resolve(value))) : (values as (Buffer | undefined)[])
}

/** `Store.openCursor`: a lone scan. */
export class LoneCursor implements StoreCursor {
  readonly #environment: Environment
  readonly #range: KeyRange
  readonly #reverse: boolean
  #source: EngineCursor | undefined = undefined
  #closed = false

  constructor(environment: Environment, range: KeyRange, reverse: boolean) {
    this.#environment = environment
    this.#range = range
    this.#reverse = reverse
  }

  get key(): Key {
    return this.#source?.key ?? ''
  }

  keyBuffer(): Buffer {
    return this.#source?.keyBuffer() ?? Buffer.alloc(0)
  }

  value(): Buffer {
    return this.#source?.value() ?? Buffer.alloc(0)
  }

  next(): Now<boolean> {
    if (this.#closed) return false
    const source = this.#source ?? this.#open()
    return source === undefined ? this.#afterPublish().then(() => this.next()) : source.next()
  }

  nextPage(rows: number, visit: (row: StoreRow) => void): Now<number> {
    if (this.#closed) return 0
    const source = this.#source ?? this.#open()
    if (source === undefined) return this.#afterPublish().then(() => this.nextPage(rows, visit))
    return fillPage(source, rows, 0, visit)
  }

  #afterPublish(): Promise<void> {
    return this.#environment.acknowledgements.nextPublish()
  }

  /** The first step: registers the whole bounds and tests; undefined if the read has to wait. */
  #open(): EngineCursor | undefined {
    const { engine, graph } = this.#environment
    if (!isUntracked(this.#environment)) {
      const passed = passes(this.#environment, (reader) => {
        graph.readRangeAsReader(reader, this.#range, undefined)
      })
      if (!passed) return undefined
    }
    this.#source = engine.openCursor(this.#range, graph.core.published, this.#reverse)
    return this.#source
  }

  close(): void {
    this.#closed = true
    this.#source?.close()
  }
}

/** Moves over up to `rows` rows of a cursor; how many there were, fewer only at the end. */
export function fillPage(
  source: EngineCursor,
  rows: number,
  filled: number,
  visit: (row: StoreRow) => void,
): Now<number> {
  for (let count = filled; count < rows; count++) {
    const moved = source.next()
    if (typeof moved !== 'boolean') {
      const before = count
      return moved.then((found) => {
        if (!found) return before
        visit(source)
        return fillPage(source, rows, before + 1, visit)
      })
    }
    if (!moved) return count
    visit(source)
  }
  return rows
}
