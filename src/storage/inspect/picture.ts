/**
 * What every look inside a store begins with: which directory, whether a process writes to it, what its manifest says.
 *
 * Looking reads files and nothing else. The lock of the directory is asked for, shared, and given back at once: whoever is refused
 * knows that a process has the database open, and that the files may be a moment older than what it would answer. Such a picture
 * is taken as it comes: a file that went while it was looked for is `gone`, not damaged.
 *
 * What cannot be read becomes an item of the kind `damage`, and the look goes on with what can.
 * Pinned by test/unit/storage/inspect/inspect-damage.test.ts.
 */
import { CorruptionError, DatabaseLockedError, InvalidArgumentError, IoError, UnsupportedFormatError } from '../../base/errors' // prettier-ignore
import type { Runtime } from '../../runtime/runtime'
import { CURRENT_FILE, manifestFileName, parseFileName } from '../files/file-names'
import { isRefusal, problemOf } from '../files/file-problem'
import { readManifest } from '../manifest/manifest-reader'
import type { ManifestState } from '../manifest/manifest-state'

/** Something that is not as it was written, or that could not be read. */
export interface DamageItem {
  readonly kind: 'damage'
  readonly file: string
  /** In bytes from the start of the file. */
  readonly offset: number
  readonly what: string
}

/** A file that a process which has the database open removed while it was looked for. */
export interface GoneItem {
  readonly kind: 'gone'
  readonly file: string
}

/** What was looked at: the first item of every list. */
export interface StoreItem {
  readonly kind: 'store'
  readonly directory: string
  /** A process had the database open for writing: the picture may be a moment old. */
  readonly isInUse: boolean
  /** The file name of the manifest in force; undefined where it cannot be read. */
  readonly manifest: string | undefined
}

/** A directory as it was found. */
export interface Picture {
  readonly directory: string
  readonly names: readonly string[]
  readonly isInUse: boolean
  readonly manifestNumber: number | undefined
  /** Undefined where the manifest cannot be read: then `damage` says why. */
  readonly state: ManifestState | undefined
  readonly damage: DamageItem | undefined
}

/** A manifest may be replaced while it is read; that it happens so often in a row is no chance any more. */
const MANIFEST_ATTEMPTS = 5

/** Looks at a directory. Throws `InvalidArgumentError` if there is no store in it, `IoError` if it cannot be listed. */
export async function takePicture(runtime: Runtime, directory: string): Promise<Picture> {
  const status = await statusOf(runtime, directory)
  if (status?.kind !== 'directory') {
    const why = status === undefined ? 'there is no such directory' : 'it is no directory'
    throw new InvalidArgumentError(`Cannot look inside ${directory}: ${why}; give the directory of a database`)
  }
  const names = await runtime.files.list(directory)
  if (!names.some(isOfStore)) {
    throw new InvalidArgumentError(`Cannot look inside ${directory}: it holds no database`)
  }
  const isInUse = await isHeld(runtime, directory)
  const base = { directory, names, isInUse }
  for (let attempt = 1; ; attempt++) {
    try {
      const found = await readManifest(runtime, directory)
      const damage = found === undefined ? missingCurrent(runtime, directory) : undefined
      return { ...base, manifestNumber: found?.number, state: found?.state, damage }
    } catch (error) {
      const damage = toDamage(error, runtime.files.join(directory, CURRENT_FILE))
      if (!isInUse || attempt === MANIFEST_ATTEMPTS) {
        return { ...base, manifestNumber: undefined, state: undefined, damage }
      }
      await runtime.scheduler.nextTurn()
    }
  }
}

/** The first item of a list. */
export function toStoreItem(picture: Picture): StoreItem {
  const { directory, isInUse, manifestNumber } = picture
  const manifest = manifestNumber === undefined ? undefined : manifestFileName(manifestNumber)
  return { kind: 'store', directory, isInUse, manifest }
}

/**
 * Whether a process holds the directory's lock for writing. NB: it is held shared for the moment of asking. Throws `IoError`.
 */
export async function isHeld(runtime: Runtime, directory: string): Promise<boolean> {
  try {
    const lock = await runtime.files.lock(directory, 'shared')
    await lock?.release()
    return false
  } catch (error) {
    if (error instanceof DatabaseLockedError) return true
    throw error
  }
}

/** An error of reading `file` as an item, without the place and the advice; any other, and a refusal of the system, is thrown on. */
export function toDamage(error: unknown, file: string): DamageItem {
  if (error instanceof CorruptionError) {
    return { kind: 'damage', file: error.file, offset: error.offset, what: problemOf(error, error.file) }
  }
  if (isRefusal(error)) throw error
  if (error instanceof UnsupportedFormatError || error instanceof IoError) {
    return { kind: 'damage', file, offset: 0, what: problemOf(error, file) }
  }
  throw error
}

/** As `toDamage`, but for a file that whoever has the database open has removed meanwhile. */
export async function toDamageOrGone(
  runtime: Runtime,
  error: unknown,
  place: { readonly file: string; readonly isInUse: boolean },
): Promise<DamageItem | GoneItem> {
  const damage = toDamage(error, place.file)
  const isGone = place.isInUse && (await runtime.files.status(place.file)) === undefined
  return isGone ? { kind: 'gone', file: place.file } : damage
}

function missingCurrent(runtime: Runtime, directory: string): DamageItem {
  const file = runtime.files.join(directory, CURRENT_FILE)
  return { kind: 'damage', file, offset: 0, what: 'it is missing' }
}

/** LOCK and RESERVE alone are what an attempt to create a database leaves. */
function isOfStore(name: string): boolean {
  const kind = parseFileName(name)?.kind
  return kind === 'current' || kind === 'manifest' || kind === 'table' || kind === 'segment'
}

async function statusOf(runtime: Runtime, path: string): ReturnType<Runtime['files']['status']> {
  try {
    return await runtime.files.status(path)
  } catch (error) {
    // Beneath a file there is nothing.
    if (error instanceof IoError) return undefined
    throw error
  }
}
