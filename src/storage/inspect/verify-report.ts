/**
 * What a verification has found, gathered while it goes on.
 *
 * *Damage* is certain: bytes are not what was written, or files contradict each other. A *note* is something that a crash leaves
 * and the next open clears away (a torn tail, an orphan), or that verification does not look into.
 *
 * Pinned by test/unit/storage/inspect/verify-store.test.ts.
 */
import { AbortedError } from '../../base/errors'
import { createLimits } from '../../base/limits'
import type { Sequence } from '../../base/sequence'
import type { Damage, VerifiedFile, VerifyOptions, VerifyReport } from '../../base/verification'
import type { Runtime } from '../../runtime/runtime'
import type { FileProblem } from '../files/file-problem'
import { Slices } from '../slices'

/** Long work in slices: others have their turns, progress is told, and a signal ends it with `AbortedError`. */
export class Pace {
  readonly #slices: Slices
  readonly #options: VerifyOptions
  readonly #what: string
  #bytes = 0
  bytesTotal = 0

  /** `what` cannot be finished once the signal has come. */
  constructor(runtime: Runtime, what: string, options: VerifyOptions) {
    this.#slices = new Slices(runtime, createLimits(), () => this.#tell())
    this.#options = options
    this.#what = what
    this.#check()
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Counts bytes that were handled; a promise to be waited for where a slice is over. */
  readonly count = (bytes: number): undefined | Promise<void> => {
    this.#bytes += bytes
    return this.#slices.count(bytes)
  }

  /** Tells of progress, and throws if the work is to end. */
  #tell(): void {
    this.#options.onProgress?.({ bytes: Math.min(this.#bytes, this.bytesTotal), bytesTotal: this.bytesTotal })
    this.#check()
  }

  /** All is done. */
  end(): void {
    this.bytesTotal = Math.max(this.bytesTotal, this.#bytes)
    this.#bytes = this.bytesTotal
    this.#tell()
  }

  #check(): void {
    const { signal } = this.#options
    if (signal?.aborted !== true) return
    throw new AbortedError(`Cannot finish ${this.#what}: its signal was aborted`, { cause: signal.reason })
  }
}

/** A report under construction. */
export class Findings {
  readonly pace: Pace
  readonly #damages: Damage[] = []
  readonly #notes: Damage[] = []
  readonly #files = new Map<string, VerifiedFile>()
  tables = 0
  rows = 0
  commits = 0
  sequence: Sequence = 0

  constructor(pace: Pace) {
    this.pace = pace
  }

  damage(file: string, { offset, length, what }: Pick<FileProblem, 'offset' | 'length' | 'what'>): void {
    const at = this.#placeOf(file, { offset, length })
    if (at === undefined) add(this.#damages, { file, offset, length, what })
    else this.#damages[at] = { ...this.#damages[at]!, length }
    const known = this.#files.get(file)
    if (known?.state === 'sound') this.#files.set(file, { ...known, state: 'damaged' })
  }

  /** Whether damage has been told of there. */
  isDamaged(file: string, offset: number): boolean {
    return this.#damages.some((damage) => damage.file === file && damage.offset === offset)
  }

  /**
   * Where a damage is in the list that was told already: what first refused to go on says it best; who looks again may know how
   * long the place is. One of a whole file (offset and length 0) stands by itself.
   */
  #placeOf(file: string, { offset, length }: Pick<FileProblem, 'offset' | 'length'>): number | undefined {
    if (length === 0) return undefined
    const at = this.#damages.findIndex((damage) => damage.file === file && damage.offset === offset)
    if (at === -1) return undefined
    const told = this.#damages[at]!
    return told.length === length || (told.length === 0 && offset > 0) ? at : undefined
  }

  note(file: string, { offset, length, what }: Pick<FileProblem, 'offset' | 'length' | 'what'>): void {
    add(this.#notes, { file, offset, length, what })
  }

  /** A file that is looked at; what is damaged stays so. */
  file(file: string, bytes: number, state: VerifiedFile['state']): void {
    const isDamaged = state === 'sound' && this.#damages.some((damage) => damage.file === file)
    this.#files.set(file, { file, bytes, state: isDamaged ? 'damaged' : state })
  }

  finish(): VerifyReport {
    this.pace.end()
    const { tables, rows, commits, sequence } = this
    const files = [...this.#files.values()].sort((a, b) => (a.file < b.file ? -1 : 1))
    const bytes = files.reduce((sum, file) => sum + (file.state === 'unused' ? 0 : file.bytes), 0)
    const [damages, notes] = [this.#damages, this.#notes]
    return { ok: damages.length === 0, files, damages, notes, bytes, tables, rows, commits, sequence }
  }
}

/** One stretch is told once, however many blocks it has: a list grows with the damage, not with the database. */
function add(list: Damage[], next: Damage): void {
  const last = list.at(-1)
  const isMore = last?.file === next.file && last.what === next.what && last.offset + last.length === next.offset
  if (!isMore || next.length === 0) list.push(next)
  else list[list.length - 1] = { ...last, length: last.length + next.length }
}
