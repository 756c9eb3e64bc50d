/**
 * A stretch of a file that is not what was written: what verification and salvage list, and where it comes from an error.
 *
 * Pinned by test/unit/storage/files/file-problem.test.ts.
 */
import { CorruptionError, StrictKvError } from '../../base/errors'

/** What an error about damage advises. */
export const DAMAGE_ADVICE =
  'restore it from a backup, or have "strictkv salvage" copy what is readable of the database to a new directory'

/** A stretch in bytes; its error is one of the family. */
export interface FileProblem {
  readonly offset: number
  readonly length: number
  readonly what: string
  readonly error: Error
}

/** An error about a stretch of a file, as a problem; one that is not about files (a defect) is thrown on. */
export function toProblem(error: unknown, file: string, place: { offset: number; length: number }): FileProblem {
  if (!(error instanceof StrictKvError)) throw error
  return { offset: place.offset, length: place.length, what: problemOf(error, file), error }
}

/** The error for a file that is damaged as a whole or at a byte. */
export function corruptFile(path: string, offset: number, why: string): CorruptionError {
  return new CorruptionError(`Cannot read ${path} at byte ${offset}: ${why}; ${DAMAGE_ADVICE}`, path, offset)
}

/** Why a file is damaged, from the error about it: its message without the file, the place and the advice. */
export function problemOf(error: StrictKvError, path: string): string {
  const message = error.message.replace(`; ${DAMAGE_ADVICE}`, '')
  const at = message.indexOf(path)
  const colon = at === -1 ? -1 : message.indexOf(': ', at + path.length)
  return colon === -1 ? message : message.slice(colon + 2)
}
