/** An open file of the runtime in memory: every call is numbered, takes a turn, and may fail as a test decides. */
import { assert } from '../../../src/base/assert'
import type { File } from '../../../src/runtime/runtime'
import type { MemoryNode } from './memory-disk'
import type { MemoryWorld } from './memory-world'

/** A handle on a file; the file lives on without its name while one is open. */
export class MemoryFile implements File {
  readonly path: string
  readonly #world: MemoryWorld
  readonly #node: MemoryNode
  readonly #isWritable: boolean
  #isOpen = true
  #requestsPending = 0

  constructor(world: MemoryWorld, path: string, node: MemoryNode, isWritable: boolean) {
    this.#world = world
    this.path = path
    this.#node = node
    this.#isWritable = isWritable
    node.handles++
  }

  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    this.#require(target, offset, length, position)
    return this.#world.scheduler.later(() => this.#read('read', target, offset, length, position))
  }

  readSync(target: Uint8Array, offset: number, length: number, position: number): number {
    this.#require(target, offset, length, position)
    return this.#read('read-sync', target, offset, length, position)
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    this.#require(bytes, 0, bytes.length, position)
    return this.#world.scheduler.later(() => this.writeNow('write', bytes, position))
  }

  sync(): Promise<void> {
    assert(this.#isOpen, 'a closed file is not used')
    return this.#world.scheduler.later(() => this.syncNow('sync'))
  }

  size(): Promise<number> {
    assert(this.#isOpen, 'a closed file is not used')
    return this.#world.scheduler.later(() =>
      this.#world.calls.perform({ operation: 'size', path: this.path }, { perform: () => this.#node.size }),
    )
  }

  close(): Promise<void> {
    // A dead process keeps no rules.
    if (this.#world.calls.crashed) return this.#world.scheduler.later(() => undefined)
    assert(this.#isOpen, 'a file is closed once')
    assert(this.#requestsPending === 0, 'a file is closed after the requests of I/O threads on it have ended')
    this.#isOpen = false
    const close = (): void => {
      this.#node.handles--
    }
    // A close that the system refuses has closed all the same, and its error is of no use.
    return this.#world.scheduler.later(() => this.#world.performClose(this.path, close))
  }

  closeSync(): void {
    if (this.#world.calls.crashed) return
    assert(this.#isOpen, 'a file is closed once')
    assert(this.#requestsPending === 0, 'a file is closed after the requests of I/O threads on it have ended')
    this.#isOpen = false
    try {
      this.#world.performClose(this.path, () => {
        this.#node.handles--
      })
    } catch (error) {
      // The power went at this very call: nobody is left to be told.
      if (!this.#world.calls.crashed) throw error
    }
  }

  /** For I/O threads: the write of a request, at once. */
  writeNow(operation: 'write' | 'thread-write', bytes: Uint8Array, position: number): void {
    const world = this.#world
    const call = { operation, path: this.path, position, length: bytes.length } as const
    world.calls.perform(call, {
      perform: () => {
        if (!this.#isWritable) throw world.refusal(call, 'EBADF')
        const room = world.roomFor(this.#node, position, bytes.length)
        this.#node.write(bytes.subarray(0, room), position)
        if (room < bytes.length) throw world.refusal({ ...call, position: position + room }, 'ENOSPC')
      },
      part: () => {
        const room = world.roomFor(this.#node, position, bytes.length)
        this.#node.write(bytes.subarray(0, Math.min(room, world.random.below(bytes.length))), position)
      },
    })
  }

  /** For I/O threads: the sync of a request, at once. */
  syncNow(operation: 'sync' | 'thread-sync'): void {
    this.#world.calls.perform(
      { operation, path: this.path },
      { perform: () => this.#node.sync(), fail: () => this.#node.dropUnsynced() },
    )
  }

  /** For I/O threads: a request on this file begins to wait. */
  beginRequest(): void {
    assert(this.#isOpen, 'a closed file is not used')
    this.#requestsPending++
  }

  /** For I/O threads: a request on this file has ended. */
  endRequest(): void {
    this.#requestsPending--
  }

  #read(operation: 'read' | 'read-sync', target: Uint8Array, offset: number, length: number, position: number): number {
    const perform = (): number => this.#node.read(target, offset, length, position)
    return this.#world.calls.perform({ operation, path: this.path, position, length }, { perform })
  }

  #require(bytes: Uint8Array, offset: number, length: number, position: number): void {
    assert(this.#isOpen, 'a closed file is not used')
    assert(Number.isSafeInteger(position) && position >= 0, 'a position in a file is an integer that is not negative')
    assert(
      Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0,
      'an offset and a length are integers that are not negative',
    )
    assert(offset + length <= bytes.length, 'the bytes to move lie inside the memory given')
  }
}
