/**
 * CURRENT, the one file that says which manifest is in force, and the switch from one manifest to the next.
 *
 * Its whole content is "0000000042.manifest 1a2b3c4d\n": a name and the CRC of that name. The switch, in order:
 *
 *   manifest complete and synced -> directory synced -> CURRENT.tmp synced -> renamed to CURRENT -> directory synced
 *
 * At each moment, crash included, CURRENT names a manifest that is complete; the old one is removed only afterwards.
 * Pinned by test/unit/storage/manifest/manifest.test.ts and test/crash.
 * Spec: ManifestFlush!NameManifest, ManifestFlush!RenameCurrent, ManifestFlush!SyncCurrent.
 */
import { crc32 } from '../../base/checksum'
import { CorruptionError } from '../../base/errors'
import type { Runtime } from '../../runtime/runtime'
import { CURRENT_FILE, CURRENT_TEMPORARY_FILE, manifestFileName, parseFileName } from '../files/file-names'
import { createWholeFile, readWholeFile } from '../files/whole-file'

/** The number of the manifest in force; undefined where there is no CURRENT. Throws `CorruptionError`, `IoError`. */
export async function readCurrent(runtime: Runtime, directory: string): Promise<number | undefined> {
  const path = runtime.files.join(directory, CURRENT_FILE)
  if ((await runtime.files.status(path)) === undefined) return undefined
  const text = (await readWholeFile(runtime, path)).toString('latin1')
  const file = parseFileName(text.split(' ')[0] ?? '')
  if (file?.kind !== 'manifest' || file.number < 1 || text !== currentText(file.number)) {
    throw new CorruptionError(`Cannot read ${path}: it does not name a manifest`, path, 0)
  }
  return file.number
}

/**
 * Makes manifest `number`, which is complete and synced, the one in force. `onUncertain` is called once a crash may have
 * either of the two: from there on a failure leaves it open which one is in force. A failed sync of the directory has the same
 * weight: it may have given up names that others created.
 */
export async function switchCurrent(
  runtime: Runtime,
  directory: string,
  options: { readonly number: number; readonly onUncertain: () => void },
): Promise<void> {
  const temporary = runtime.files.join(directory, CURRENT_TEMPORARY_FILE)
  try {
    await runtime.files.syncDirectory(directory)
  } catch (error) {
    options.onUncertain()
    throw error
  }
  if ((await runtime.files.status(temporary)) !== undefined) await runtime.files.remove(temporary)
  await createWholeFile(runtime, temporary, Buffer.from(currentText(options.number), 'latin1'))
  runtime.faults.reach('manifest.before-switch')
  options.onUncertain()
  await runtime.files.rename(temporary, runtime.files.join(directory, CURRENT_FILE))
  runtime.faults.reach('manifest.after-switch')
  await runtime.files.syncDirectory(directory)
}

function currentText(number: number): string {
  const name = manifestFileName(number)
  return `${name} ${crc32(Buffer.from(name, 'latin1')).toString(16).padStart(8, '0')}\n`
}
