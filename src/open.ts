/**
 * `open`: the composition root of a database.
 *
 *   runtime/node -> LSM engine -> transaction store -> Database
 *
 * Every option is checked before anything is touched; when a later step fails, what was opened before it is closed again.
 * Pinned by test/unit/open/open.test.ts.
 */
import { describe } from './base/bytes'
import { InvalidArgumentError } from './base/errors'
import { LIMIT_NAMES, createLimits } from './base/limits'
import type { LimitName, Limits } from './base/limits'
import type { Durability } from './kv/call-options'
import type { Guards } from './kv/callback-guard'
import { Database } from './kv/database'
import type { DatabaseEvent } from './kv/events'
import { Events } from './kv/events'
import { checkBoolean, checkFunction, checkOneOf, checkOptions } from './kv/options'
import { createTransactionStore } from './mvcc/transaction-store'
import { createNodeRuntime } from './runtime/node/node-runtime'
import type { Runtime } from './runtime/runtime'
import { CODEC_NAMES, codecs } from './storage/files/codec'
import type { Engine } from './storage/engine'
import { INDEX_MODES } from './storage/table/index-mode'
import { openLsmEngine } from './storage/lsm-engine'

/** How a database is opened. Beside these, every limit of docs/LIMITS.md is an option under its name. */
export interface OpenOptions extends LimitOptions {
  /** Whether to create the directory and an empty database in it where there is none. True unless given. */
  readonly create?: boolean | undefined
  /** Opens for reading alone; writes nothing, not even what a crash left to be tidied. False unless given. */
  readonly readOnly?: boolean | undefined
  /** Whether files of an older format may be rewritten in the newest. False unless given. (There is no older format yet.) */
  readonly upgrade?: boolean | undefined
  /**
   * 'sync' (unless given): a commit is on disk before it resolves. 'os': it is with the operating system, survives the death of
   * the process but not a power cut, and is on disk within `syncIntervalMs`.
   */
  readonly durability?: Durability | undefined
  /** 'full' also catches the wrong handle across the awaits of a `transact` callback; it costs an AsyncLocalStorage. */
  readonly guards?: Guards | undefined
  /**
   * Where commits are written and synced: in a thread of their own ('thread', unless given), or on the calling thread ('inline'),
   * which answers a lone commit sooner and blocks the event loop for it.
   */
  readonly logMode?: 'thread' | 'inline' | undefined
  /**
   * Where flushes and merges do their byte work: in a thread of their own ('thread', unless given), or on the calling thread in
   * slices of about a millisecond ('inline'). Where no thread can be started they run inline; `stats().storage.worker` says which.
   */
  readonly backgroundMode?: 'thread' | 'inline' | undefined
  /**
   * How tables find a key's block: 'auto' (unless given) takes a learned model for each table where it pays. 'binary': never;
   * 'resident': always; 'lean': keeps the model alone in memory and reads the rest of the index when needed, like blocks.
   */
  readonly indexMode?: 'auto' | 'binary' | 'resident' | 'lean' | undefined
  /**
   * How blocks of tables are compressed from now on: 'none' (unless given), 'deflate', or 'zstd' where the runtime has it (Node from
   * 22.15 on). Tables written before stay as they are and readable.
   */
  readonly codec?: 'none' | 'deflate' | 'zstd' | undefined
  /** Told of everything worth knowing, synchronously; what it throws is counted in `stats()` and disturbs nothing. */
  readonly onEvent?: ((event: DatabaseEvent) => unknown) | undefined
}

/** The limits as options, each a number in the unit that ends its name. */
export type LimitOptions = { readonly [Name in LimitName]?: number | undefined }

const NAMES = [
  'create',
  'readOnly',
  'upgrade',
  'durability',
  'guards',
  'logMode',
  'backgroundMode',
  'indexMode',
  'codec',
  'onEvent',
  ...LIMIT_NAMES,
]

/**
 * Opens the database in the directory `path`, or creates it. One process at a time may have it open.
 * Rejects with `InvalidArgumentError`, `DatabaseLockedError`, `CorruptionError`, `UnsupportedFormatError`, `IoError`,
 * `DiskFullError`; what the directory held is then as it was.
 */
export async function open(path: string, options: OpenOptions = {}): Promise<Database> {
  const limits = checkOpenOptions(path, options)
  return openWith(createNodeRuntime(), path, options, limits)
}

async function openWith(runtime: Runtime, path: string, options: OpenOptions, limits: Limits): Promise<Database> {
  const events = new Events(options.onEvent)
  const readOnly = options.readOnly === true
  const engine = await openLsmEngine(runtime, path, {
    limits,
    create: options.create !== false && !readOnly,
    readOnly,
    ioMode: options.logMode ?? 'thread',
    backgroundMode: options.backgroundMode ?? 'thread',
    indexMode: options.indexMode,
    codec: options.codec,
    onEvent: (event) => events.emit(event),
  })
  try {
    const store = createTransactionStore(runtime, engine, limits, {
      durability: options.durability ?? 'sync',
      onAbort: (report, message) => events.emit({ type: 'abort', report, message }),
    })
    return new Database({
      path,
      runtime,
      store,
      operations: engine,
      limits,
      events,
      guards: options.guards ?? 'standard',
      readOnly,
      keepOrigins: isDevelopment(),
    })
  } catch (error) {
    await closeQuietly(engine)
    throw error
  }
}

/** Checks everything that a caller can get wrong. */
function checkOpenOptions(path: string, options: OpenOptions): Limits {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new InvalidArgumentError(`Cannot open ${describe(path)}: the path must name a directory`)
  }
  checkOptions(options, NAMES, 'open')
  checkBoolean(options.create, 'create')
  checkBoolean(options.readOnly, 'readOnly')
  checkBoolean(options.upgrade, 'upgrade')
  checkOneOf(options.durability, ['sync', 'os'], 'durability')
  checkOneOf(options.guards, ['standard', 'full'], 'guards')
  checkOneOf(options.logMode, ['thread', 'inline'], 'logMode')
  checkOneOf(options.backgroundMode, ['thread', 'inline'], 'backgroundMode')
  checkOneOf(options.indexMode, INDEX_MODES, 'indexMode')
  checkCodec(options.codec)
  if (options.onEvent !== undefined) checkFunction(options.onEvent, 'onEvent', 'open')
  if (options.readOnly === true && options.upgrade === true) {
    throw new InvalidArgumentError('Cannot open with readOnly and upgrade together: an upgrade writes')
  }
  return createLimits(options)
}

/** A codec must be known, and this runtime must have it. */
function checkCodec(codec: OpenOptions['codec']): void {
  checkOneOf(codec, CODEC_NAMES, 'codec')
  const problem = codec === undefined ? undefined : codecs.problem(codec)
  if (problem !== undefined) throw new InvalidArgumentError(`Cannot open with codec '${codec}': ${problem}`)
}

/** The first error is the one to report. */
async function closeQuietly(engine: Engine): Promise<void> {
  await engine.close().catch(() => undefined)
}

/** Whether to spend two microseconds on every `begin` so that an event can say where a forgotten handle was begun. */
function isDevelopment(): boolean {
  // eslint-disable-next-line no-restricted-globals -- the mode the application runs in; it decides nothing but this
  return process.env.NODE_ENV !== 'production'
}
