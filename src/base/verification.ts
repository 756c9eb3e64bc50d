/**
 * What a verification is asked and what it answers, for a database that is open or not.
 *
 * *Damage* is certain: bytes are not what was written, or files contradict each other. A *note* is something that a crash leaves
 * and the next open clears away (a torn tail, an orphan), or that verification does not look into.
 */
import type { Sequence } from './sequence'

/** A stretch of a file, in bytes; `length` 0 where a place is meant and no stretch. */
export interface Damage {
  /** The name in the directory. */
  readonly file: string
  readonly offset: number
  readonly length: number
  readonly what: string
}

/** A file of the directory. 'unused' ones are orphans and files of others: nothing refers to them. */
export interface VerifiedFile {
  readonly file: string
  readonly bytes: number
  readonly state: 'sound' | 'damaged' | 'missing' | 'unused'
}

/** The result of a verification. */
export interface VerifyReport {
  /** No damage was found. */
  readonly ok: boolean
  readonly files: readonly VerifiedFile[]
  readonly damages: readonly Damage[]
  readonly notes: readonly Damage[]
  /** Bytes that were read and checked. */
  readonly bytes: number
  readonly tables: number
  /** Versions in tables, tombstones included. */
  readonly rows: number
  /** Commits that are in the log and in no table. */
  readonly commits: number
  /** The last commit. */
  readonly sequence: Sequence
}

/** How far a verification is, in bytes. */
export interface VerifyProgress {
  readonly bytes: number
  readonly bytesTotal: number
}

/** Asks to stop, as an AbortSignal does. */
export interface StopSignal {
  readonly aborted: boolean
  readonly reason?: unknown
}

/** How to verify. */
export interface VerifyOptions {
  /** Called now and then, synchronously. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined
  readonly signal?: StopSignal | undefined
}
