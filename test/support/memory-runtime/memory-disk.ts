/**
 * A disk in memory that keeps apart what programs see and what a power loss leaves.
 *
 *     file:       bytes and size seen | bytes and size on disk | sectors written since the last sync
 *     directory:  names seen          | names on disk          | changes since the last directory sync
 *
 * 1. A successful sync moves a file's unsynced sectors and size to the disk, nothing else does; names are moved by
 *    `syncDirectory` of their directory, in the order of the changes.
 * 2. A failed sync leaves its sectors visible but *dropped*: no later sync writes them (as Linux marks failed pages
 *    clean), so the next power loss may take them. Writing them again makes them ordinary unsynced sectors.
 * 3. A sector is 512 bytes and the unit of loss; file size is lost or kept apart from data; a rename is one change.
 *
 * Times, errors and failures injected are not its business: memory-files.ts brings those. Pinned by
 * test/unit/runtime/memory-durability.test.ts.
 */
import { assert } from '../../../src/base/assert'

/** The unit in which a disk keeps or loses data, in bytes. */
export const sectorBytes = 512
/** What a test may put into one file, in bytes. */
const fileBytesMax = 2 ** 30

/** A file without its names. */
export class MemoryNode {
  readonly kind = 'file'
  /** The path it was created under, for messages and for choosing fates. */
  readonly path: string
  #seen = new Uint8Array(0)
  #size = 0
  #onDisk = new Uint8Array(0)
  #sizeOnDisk = 0
  #isSizeDropped = false
  readonly #unsynced = new Set<number>()
  readonly #dropped = new Set<number>()
  /** Open handles; the space of a file without names is free once they are closed. */
  handles = 0
  names = 0

  constructor(path: string, durable = new Uint8Array(0)) {
    this.path = path
    this.#seen = durable.slice()
    this.#onDisk = durable.slice()
    this.#size = this.#sizeOnDisk = durable.length
  }

  get size(): number {
    return this.#size
  }

  /** Copies what is seen at `position` into `target`; returns the bytes copied. */
  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.#size - position))
    target.set(this.#seen.subarray(position, position + count), offset)
    return count
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return
    const end = position + bytes.length
    assert(end <= fileBytesMax, 'a file in memory stays under a gigabyte')
    this.#seen = grown(this.#seen, end)
    this.#seen.set(bytes, position)
    if (end > this.#size) {
      // The tail of the last sector and the hole between are zeros that the disk has not got either.
      markSectors(this.#unsynced, this.#dropped, this.#size, end)
      this.#size = end
      this.#isSizeDropped = false
    }
    markSectors(this.#unsynced, this.#dropped, position, end)
  }

  sync(): void {
    for (const sector of this.#unsynced) this.#toDisk(sector)
    this.#unsynced.clear()
    if (!this.#isSizeDropped) this.#sizeOnDisk = this.#size
  }

  /** What a sync that failed leaves: nothing on disk, and nothing that a later sync would write. */
  dropUnsynced(): void {
    for (const sector of this.#unsynced) this.#dropped.add(sector)
    this.#unsynced.clear()
    if (this.#sizeOnDisk !== this.#size) this.#isSizeDropped = true
  }

  /** Sectors that a power loss may change, ascending. */
  unsyncedSectors(): number[] {
    return [...this.#unsynced, ...this.#dropped].sort((a, b) => a - b)
  }

  get isSizeUnsynced(): boolean {
    return this.#size !== this.#sizeOnDisk
  }

  /** What programs see. */
  seen(): Uint8Array {
    return this.#seen.slice(0, this.#size)
  }

  /** What a power loss leaves if each unsynced sector and the size fare as told. */
  afterPowerLoss(fates: FileFates): Uint8Array {
    const size = this.isSizeUnsynced && !fates.keepsSize() ? this.#sizeOnDisk : this.#size
    const bytes = grown(this.#onDisk.slice(0, this.#sizeOnDisk), this.#size)
    for (const sector of this.unsyncedSectors()) {
      const start = sector * sectorBytes
      const before = bytes.slice(start, start + sectorBytes)
      const after = this.#seen.slice(start, start + sectorBytes)
      bytes.set(fates.sector(sector, { before, after }), start)
    }
    return bytes.slice(0, size)
  }

  #toDisk(sector: number): void {
    const start = sector * sectorBytes
    this.#onDisk = grown(this.#onDisk, start + sectorBytes)
    this.#onDisk.set(this.#seen.subarray(start, start + sectorBytes), start)
  }
}

/** How the unsynced parts of one file fare. */
export interface FileFates {
  keepsSize(): boolean
  /** The bytes of a sector after the loss; at most 512, as long as `before`. */
  sector(sector: number, content: { readonly before: Uint8Array; readonly after: Uint8Array }): Uint8Array
}

/** A directory: names seen and names on disk. */
export class MemoryDirectory {
  readonly kind = 'directory'
  readonly path: string
  readonly seen = new Map<string, MemoryNode | MemoryDirectory>()
  readonly onDisk = new Map<string, MemoryNode | MemoryDirectory>()

  constructor(path: string) {
    this.path = path
  }
}

/** A change of names that a power loss may take back. */
export interface NameChange {
  readonly kind: 'create' | 'rename' | 'remove'
  readonly node: MemoryNode | MemoryDirectory
  readonly directory: MemoryDirectory
  readonly name: string
  /** Where a rename leads. */
  readonly to?: { readonly directory: MemoryDirectory; readonly name: string }
  /** Whether a failed directory sync has given it up: no later one makes it durable. */
  isDropped: boolean
}

/** The names, and the changes to them that are not durable. */
export class MemoryNames {
  readonly root = new MemoryDirectory('/')
  #changes: NameChange[] = []

  get unsyncedChanges(): readonly NameChange[] {
    return this.#changes
  }

  find(path: string): MemoryNode | MemoryDirectory | undefined {
    let node: MemoryNode | MemoryDirectory = this.root
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (node.kind !== 'directory') return undefined
      const next: MemoryNode | MemoryDirectory | undefined = node.seen.get(name)
      if (next === undefined) return undefined
      node = next
    }
    return node
  }

  create(directory: MemoryDirectory, name: string, node: MemoryNode | MemoryDirectory): void {
    directory.seen.set(name, node)
    if (node.kind === 'file') node.names++
    this.#changes.push({ kind: 'create', node, directory, name, isDropped: false })
  }

  remove(directory: MemoryDirectory, name: string, node: MemoryNode | MemoryDirectory): void {
    directory.seen.delete(name)
    if (node.kind === 'file') node.names--
    this.#changes.push({ kind: 'remove', node, directory, name, isDropped: false })
  }

  rename(
    from: { directory: MemoryDirectory; name: string },
    to: { directory: MemoryDirectory; name: string },
    node: MemoryNode | MemoryDirectory,
  ): void {
    const replaced = to.directory.seen.get(to.name)
    if (replaced === node) return
    if (replaced?.kind === 'file') replaced.names--
    from.directory.seen.delete(from.name)
    to.directory.seen.set(to.name, node)
    this.#changes.push({ kind: 'rename', node, ...from, to, isDropped: false })
  }

  sync(directory: MemoryDirectory): void {
    const synced = this.#changes.filter((change) => !change.isDropped && touches(change, directory))
    for (const change of synced) applyOnDisk(change)
    const latest = synced.at(-1)
    // What was given up earlier can no longer surface under a name that is durably another's since.
    this.#changes = this.#changes.filter((change) => {
      if (!change.isDropped) return !synced.includes(change)
      const isOlder = latest !== undefined && this.#changes.indexOf(change) < this.#changes.indexOf(latest)
      return !(isOlder && synced.some((later) => isSameName(nameMade(change), nameMade(later))))
    })
  }

  /** What a failed directory sync leaves. */
  dropUnsynced(directory: MemoryDirectory): void {
    for (const change of this.#changes) if (touches(change, directory)) change.isDropped = true
  }
}

/** Carries a change out in the names on disk, as far as what it starts from is there. */
export function applyOnDisk(change: NameChange, on: (directory: MemoryDirectory) => NamesOnDisk = onDiskOf): void {
  const names = on(change.directory)
  if (change.kind !== 'create' && names.get(change.name) === change.node) names.delete(change.name)
  if (change.kind === 'create') names.set(change.name, change.node)
  if (change.to !== undefined) on(change.to.directory).set(change.to.name, change.node)
}

/** Names of one directory on disk. */
export type NamesOnDisk = Map<string, MemoryNode | MemoryDirectory>

function onDiskOf(directory: MemoryDirectory): NamesOnDisk {
  return directory.onDisk
}

interface NamePlace {
  readonly directory: MemoryDirectory
  readonly name: string
}

/** The name that a change gives or takes away. */
function nameMade(change: NameChange): NamePlace {
  return change.to ?? change
}

function isSameName(a: NamePlace, b: NamePlace): boolean {
  return a.directory === b.directory && a.name === b.name
}

function touches(change: NameChange, directory: MemoryDirectory): boolean {
  return change.directory === directory || change.to?.directory === directory
}

function markSectors(unsynced: Set<number>, dropped: Set<number>, start: number, end: number): void {
  for (let sector = Math.floor(start / sectorBytes); sector * sectorBytes < end; sector++) {
    unsynced.add(sector)
    dropped.delete(sector)
  }
}

/** `bytes` with room for `length`, rounded up to whole sectors and doubling, so that appending stays linear. */
function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (bytes.length >= length && bytes.length % sectorBytes === 0) return bytes
  const wanted = Math.max(length, bytes.length, length > bytes.length ? bytes.length * 2 : 0)
  const larger = new Uint8Array(Math.ceil(wanted / sectorBytes) * sectorBytes)
  larger.set(bytes)
  return larger
}
