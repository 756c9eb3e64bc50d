/**
 * What a salvage tells: every loss with its place, and what could not be told for certain.
 *
 * A *loss* is something that was in a file and cannot be read. A *doubt* is something that no file can settle any more, such as whether a
 * key that a lost list of tables had dropped is back. Of a key that lies in the range of neither the newest version was saved.
 *
 * Pinned by test/unit/storage/salvage/salvage.test.ts.
 */
import type { KeyRange } from '../../base/key-range'
import { RANGE_ALL } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'

/** A loss, or a doubt. */
export interface Loss {
  /** The name in the directory. */
  readonly file: string
  /** In bytes. */
  readonly offset: number
  /** In bytes; undefined where nobody knows. */
  readonly length: number | undefined
  readonly what: string
  /** Keys outside are not concerned. */
  readonly range: KeyRange
  /** Commits outside are not concerned; undefined where nobody knows. */
  readonly sequences: { readonly first: Sequence; readonly last: Sequence } | undefined
}

/** Something that somebody should know, though nothing is missing for it. */
export interface SalvageNote {
  readonly file: string
  readonly what: string
}

/** The result of a salvage. */
export interface SalvageReport {
  /** Neither losses nor doubts: everything that was committed is there. */
  readonly complete: boolean
  /** Whether the list of tables could be read: all of it, not all of it, nothing of it. */
  readonly manifest: 'whole' | 'suspect' | 'lost'
  readonly losses: readonly Loss[]
  readonly doubts: readonly Loss[]
  readonly notes: readonly SalvageNote[]
  /** Tables and segments of the log that something was read of. */
  readonly tables: number
  readonly segments: number
  /** Rows in the new database. */
  readonly rows: number
  /** The last commit that is known of. */
  readonly sequence: Sequence
}

/** A report under construction. */
export class Losses {
  readonly losses: Loss[] = []
  readonly doubts: Loss[] = []
  readonly notes: SalvageNote[] = []

  lose(loss: LossOf): void {
    this.losses.push(complete(loss))
  }

  doubt(doubt: LossOf): void {
    this.doubts.push(complete(doubt))
  }

  note(file: string, what: string): void {
    this.notes.push({ file, what })
  }
}

/** What must be said of a loss; left out: the whole file, every key, commits that nobody knows. */
export type LossOf = Pick<Loss, 'file' | 'what'> & Partial<Loss>

function complete({ file, what, offset = 0, length, range = RANGE_ALL, sequences }: LossOf): Loss {
  return { file, offset, length, what, range, sequences }
}
