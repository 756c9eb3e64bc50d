/**
 * The open descriptors of tables, at most `openTablesMax`: least recently used ones are closed, and opened again when needed.
 *
 *   Table -> TableHandle (a file to its table, whether it is open or not) -> descriptor, one of openTablesMax
 *
 * 1. A descriptor is never closed under a read. To evict a busy one only marks it: no new read begins on it, and the last one
 *    closes it. (Closing under a read in flight would give EBADF, or another file's bytes.)
 * 2. Reads that wait get descriptors in order. Every descriptor that is opened serves the read that it was opened for.
 * 3. A synchronous read never waits: where all descriptors are busy it opens one more for itself and closes it again.
 * 4. A file opened again must be the one opened before, by size and footer; everything kept in memory of it was read then.
 *
 * Not counted are the files that a merge reads and writes: one for each run of its inputs and one for its output (merge-input.ts).
 * Pinned by test/unit/storage/table/open-tables.test.ts.
 */
import { assert } from '../../base/assert'
import type { File, Runtime } from '../../runtime/runtime'
import { corrupt, FOOTER_BYTES } from './table-format'

/** An open file. */
interface Descriptor {
  readonly file: File
  /** In flight. */
  reads: number
  isMarked: boolean
}

/** All descriptors of a store's tables. */
export class OpenTables {
  readonly #runtime: Runtime
  readonly #max: number
  /** Those with a descriptor that is not marked. */
  readonly #open = new Set<TableHandle>()
  readonly #waiting: (() => void)[] = []
  /** Descriptors: open, marked, and about to be opened. */
  #count = 0
  #clock = 0
  /** How often a table was opened again. */
  reopens = 0

  constructor(runtime: Runtime, options: { readonly openTablesMax: number }) {
    assert(options.openTablesMax > 0, 'a table that is read is open')
    this.#runtime = runtime
    this.#max = options.openTablesMax
  }

  /** Descriptors taken. */
  get count(): number {
    return this.#count
  }

  /** Opens a table's file for the first time. Throws `IoError`. */
  async open(path: string): Promise<File> {
    const handle = new TableHandle(this, path)
    await handle.openFirst()
    return handle
  }

  /** For handles: opens the file once there is a descriptor for it. The caller holds it. */
  async openLater(handle: TableHandle): Promise<Descriptor> {
    if (!this.#takeSlot()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return { file: await this.#runtime.files.open(handle.path, 'read'), reads: 1, isMarked: false }
    } catch (error) {
      this.#giveSlot()
      throw error
    }
  }

  /** For handles: opens the file at once; `isExtra` if the descriptor is beyond all that there are. */
  openNow(handle: TableHandle): { readonly descriptor: Descriptor; readonly isExtra: boolean } {
    const isExtra = !(this.#count < this.#max || this.#leastUsed(true) !== undefined)
    if (!isExtra) assert(this.#takeSlot(), 'an idle descriptor can be had at once')
    try {
      const file = this.#runtime.files.openSync(handle.path)
      return { descriptor: { file, reads: 1, isMarked: false }, isExtra }
    } catch (error) {
      if (!isExtra) this.#giveSlot()
      throw error
    }
  }

  /** For handles: the descriptor is in use from here on. */
  opened(handle: TableHandle): void {
    this.#open.add(handle)
  }

  /** For handles: a read begins. */
  now(): number {
    return ++this.#clock
  }

  /** For handles: a descriptor's last read has ended. Whether it is to be closed: marked, or somebody waits for one. */
  isWanted(): boolean {
    return this.#waiting.length > 0
  }

  /** For handles: the handle's descriptor takes no new reads. */
  forget(handle: TableHandle): void {
    this.#open.delete(handle)
  }

  /** For handles: closes a descriptor that nobody reads. */
  close(descriptor: Descriptor): void {
    assert(descriptor.reads === 0, 'a file is closed when no read of it is in flight')
    descriptor.file.closeSync()
    this.#giveSlot()
  }

  /** One descriptor more may be opened now; false: the caller has to wait, and the least recently used is on its way out. */
  #takeSlot(): boolean {
    if (this.#count < this.#max) {
      this.#count++
      return true
    }
    const idle = this.#leastUsed(true)
    if (idle !== undefined) {
      // Its slot comes free and is taken again in the same step: nobody waits while one is idle.
      idle.evict()
      this.#count++
      return true
    }
    this.#leastUsed(false)?.evict()
    return false
  }

  #giveSlot(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#count--
    else next()
  }

  #leastUsed(isIdle: boolean): TableHandle | undefined {
    let least: TableHandle | undefined
    for (const handle of this.#open) {
      if (isIdle && !handle.isIdle) continue
      if (least === undefined || handle.usedAt < least.usedAt) least = handle
    }
    return least
  }

  checkInvariants(): void {
    assert(this.#open.size <= this.#count && this.#count <= this.#max, 'there are no more descriptors than allowed')
    for (const handle of this.#open) assert(handle.isOpen, 'a handle is listed while it has a descriptor')
    const isAnyIdle = [...this.#open].some((handle) => handle.isIdle)
    assert(this.#waiting.length === 0 || !isAnyIdle, 'nobody waits while a descriptor is idle')
  }
}

/** The file of one open table. It can be read at any time, and only read. */
class TableHandle implements File {
  readonly path: string
  readonly #tables: OpenTables
  #descriptor: Descriptor | undefined
  #opening: Promise<Descriptor> | undefined
  #fileBytes = 0
  /** The file's last bytes when it was opened first. */
  #footer: Buffer = Buffer.alloc(0)
  #isClosed = false
  /** When it was read last, as reads of all tables are counted. */
  usedAt = 0

  constructor(tables: OpenTables, path: string) {
    this.#tables = tables
    this.path = path
  }

  get isOpen(): boolean {
    return this.#descriptor !== undefined
  }

  get isIdle(): boolean {
    return this.#descriptor?.reads === 0
  }

  /** Opens the file and remembers what to know it by. */
  async openFirst(): Promise<void> {
    const descriptor = await this.#tables.openLater(this)
    try {
      this.#fileBytes = await descriptor.file.size()
      const footerBytes = Math.min(FOOTER_BYTES, this.#fileBytes)
      this.#footer = Buffer.alloc(footerBytes)
      await descriptor.file.read(this.#footer, 0, footerBytes, this.#fileBytes - footerBytes)
    } catch (error) {
      this.#giveUp(descriptor)
      throw error
    }
    this.#keep(descriptor)
    this.#release(descriptor)
  }

  async read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    const descriptor = await this.#hold()
    this.usedAt = this.#tables.now()
    try {
      return await descriptor.file.read(target, offset, length, position)
    } finally {
      this.#release(descriptor)
    }
  }

  readSync(target: Uint8Array, offset: number, length: number, position: number): number {
    this.usedAt = this.#tables.now()
    const descriptor = this.#descriptor
    if (descriptor !== undefined) return descriptor.file.readSync(target, offset, length, position)
    return this.#readAnew(target, offset, length, position)
  }

  /** Reads at once where there is no descriptor. */
  #readAnew(target: Uint8Array, offset: number, length: number, position: number): number {
    assert(!this.#isClosed, 'a closed file is not used')
    const { descriptor, isExtra } = this.#tables.openNow(this)
    this.#tables.reopens++
    try {
      const end = this.#endTarget()
      this.#check(end, descriptor.file.readSync(end, 0, end.length, this.#fileBytes - this.#footer.length))
      return descriptor.file.readSync(target, offset, length, position)
    } catch (error) {
      descriptor.isMarked = true
      throw error
    } finally {
      if (isExtra) descriptor.file.closeSync()
      else if (descriptor.isMarked) this.#giveUp(descriptor)
      else {
        this.#keep(descriptor)
        this.#release(descriptor)
      }
    }
  }

  /** A descriptor to read from, held until it is released. */
  async #hold(): Promise<Descriptor> {
    assert(!this.#isClosed, 'a closed file is not used')
    for (;;) {
      const descriptor = this.#descriptor
      if (descriptor !== undefined) {
        descriptor.reads++
        return descriptor
      }
      if (this.#opening === undefined) return this.#openAgain()
      // Whoever opens holds what it opened; everybody else looks again.
      await this.#opening
    }
  }

  async #openAgain(): Promise<Descriptor> {
    const opening = this.#tables.openLater(this).then((descriptor) => this.#checked(descriptor))
    this.#opening = opening
    try {
      const opened = await opening
      this.#tables.reopens++
      const current = this.#descriptor
      if (current === undefined) return this.#keep(opened)
      // A synchronous read was faster.
      current.reads++
      this.#giveUp(opened)
      return current
    } finally {
      this.#opening = undefined
    }
  }

  async #checked(descriptor: Descriptor): Promise<Descriptor> {
    try {
      const end = this.#endTarget()
      this.#check(end, await descriptor.file.read(end, 0, end.length, this.#fileBytes - this.#footer.length))
      return descriptor
    } catch (error) {
      this.#giveUp(descriptor)
      throw error
    }
  }

  /** Room for the footer and for one byte more, which must not be there. */
  #endTarget(): Buffer {
    return Buffer.alloc(this.#footer.length + 1)
  }

  #check(end: Buffer, read: number): void {
    if (read === this.#footer.length && end.subarray(0, read).equals(this.#footer)) return
    const place = { file: this.path, offset: this.#fileBytes - this.#footer.length }
    throw corrupt(place, 'it is another file than when it was opened first, by its size or its footer')
  }

  /** REQUIRES: the caller holds it. */
  #keep(descriptor: Descriptor): Descriptor {
    this.#descriptor = descriptor
    this.#tables.opened(this)
    return descriptor
  }

  #release(descriptor: Descriptor): void {
    descriptor.reads--
    if (descriptor.reads > 0) return
    if (!descriptor.isMarked && !this.#tables.isWanted()) return
    this.#detach(descriptor)
    this.#tables.close(descriptor)
  }

  /** Closes a descriptor that is not in use yet. */
  #giveUp(descriptor: Descriptor): void {
    descriptor.reads = 0
    this.#tables.close(descriptor)
  }

  /** No new read begins on the descriptor; the last one in flight closes it, and at once if there is none. */
  evict(): void {
    const descriptor = this.#descriptor
    assert(descriptor !== undefined, 'what is open is evicted')
    descriptor.isMarked = true
    this.#detach(descriptor)
    if (descriptor.reads === 0) this.#tables.close(descriptor)
  }

  #detach(descriptor: Descriptor): void {
    if (this.#descriptor !== descriptor) return
    this.#descriptor = undefined
    this.#tables.forget(this)
  }

  write(): Promise<void> {
    return this.#refuse()
  }

  sync(): Promise<void> {
    return this.#refuse()
  }

  #refuse(): never {
    assert(false, 'a table that is open is never written')
  }

  size(): Promise<number> {
    return Promise.resolve(this.#fileBytes)
  }

  close(): Promise<void> {
    this.closeSync()
    return Promise.resolve()
  }

  /** REQUIRES: no read is in flight; the table counts them. */
  closeSync(): void {
    assert(!this.#isClosed, 'a file is closed once')
    this.#isClosed = true
    if (this.#descriptor !== undefined) this.evict()
  }
}
