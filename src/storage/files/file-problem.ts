/**
 * A stretch of a file that is not what was written: what verification and salvage list, and where it comes from an error.
 *
 * That the system refuses to hand a file over (no permission, no descriptors left) is no damage: it says nothing about the file, and
 * somebody else, or the same program later, may read it. Such an error ends what was going on.
 *
 * Pinned by test/unit/storage/files/file-problem.test.ts.
 */
import { CorruptionError, DAMAGE_ADVICE, IoError, StrictKvError } from '../../base/errors'

/** A stretch in bytes; its error is one of the family. */
export interface FileProblem {
  readonly offset: number
  readonly length: number
  readonly what: string
  readonly error: Error
}

/** What a system says when it is the asking that it does not like, not the file. */
const REFUSALS: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM'])

/** Whether the system refused to hand a file over, which tells nothing of what is in it. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof IoError)) return false
  const { cause } = error
  return typeof cause === 'object' && cause !== null && 'code' in cause && REFUSALS.has(cause.code)
}

/** An error about a stretch of a file, as a problem; one that is not about what is in it (a refusal, a defect) is thrown on. */
export function toProblem(error: unknown, file: string, place: { offset: number; length: number }): FileProblem {
  if (!(error instanceof StrictKvError) || isRefusal(error)) throw error
  return { offset: place.offset, length: place.length, what: problemOf(error, file), error }
}

/** The error for a file that is damaged as a whole or at a byte. */
export function corruptFile(path: string, offset: number, why: string): CorruptionError {
  return new CorruptionError(`Cannot read ${path} at byte ${offset}: ${why}`, path, offset)
}

/** Why a file is damaged, from the error about it: its message without the file, the place and the advice. */
export function problemOf(error: StrictKvError, path: string): string {
  const message = error.message.replace(`; ${DAMAGE_ADVICE}`, '')
  const at = message.indexOf(path)
  const colon = at === -1 ? -1 : message.indexOf(': ', at + path.length)
  return colon === -1 ? message : message.slice(colon + 2)
}
