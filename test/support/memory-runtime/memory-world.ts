/** What the parts of one runtime in memory share: names, calls, turns, room on the disk. */
import { failure, IoCalls } from './io-calls'
import type { IoCall } from './io-calls'
import { MemoryNames } from './memory-disk'
import type { MemoryDirectory, MemoryNode } from './memory-disk'
import { MemoryScheduler } from './memory-scheduler'
import { createRandomStream } from './random-stream'
import type { RandomStream } from './random-stream'
import { systemErrorText } from './system-error-texts'
import type { SystemErrorCode } from './system-error-texts'

/** Room on a disk for which no capacity was given, in bytes. */
const capacityBytesDefault = 2 ** 40

/** One machine: disk, kernel and clock. */
export class MemoryWorld {
  readonly names = new MemoryNames()
  readonly calls: IoCalls
  readonly scheduler: MemoryScheduler
  /** For choices of the disk, such as the length of a short write. */
  readonly random: RandomStream
  /** Every file that takes up room. */
  readonly nodes = new Set<MemoryNode>()
  capacityBytes: number
  /** While set, nothing that needs new room succeeds. */
  isFull = false

  constructor(options: { seed: number; capacityBytes?: number | undefined; jumps: boolean }) {
    this.scheduler = new MemoryScheduler(createRandomStream(options.seed, 'scheduler'), options.jumps)
    this.random = createRandomStream(options.seed, 'disk')
    this.capacityBytes = options.capacityBytes ?? capacityBytesDefault
    this.calls = new IoCalls(() => this.scheduler.stop())
  }

  /** Derived from the files each time: nothing to keep in step. */
  get usedBytes(): number {
    let used = 0
    for (const node of this.nodes) {
      if (node.names === 0 && node.handles === 0) this.nodes.delete(node)
      else used += node.size
    }
    return used
  }

  get freeBytes(): number {
    return this.isFull ? 0 : Math.max(0, this.capacityBytes - this.usedBytes)
  }

  /** How many of `length` bytes at `position` can be written: what the file has already always can. */
  roomFor(node: MemoryNode, position: number, length: number): number {
    const growth = position + length - node.size
    if (growth <= 0) return length
    const missing = growth - this.freeBytes
    return missing <= 0 ? length : Math.max(0, length - missing)
  }

  refusal(call: Omit<IoCall, 'index'>, code: SystemErrorCode): Error {
    return failure(call, systemErrorText(code))
  }

  performClose(path: string, close: () => void): void {
    const call = { operation: 'close', path } as const
    let didClose = false
    const perform = (): void => {
      if (!didClose) close()
      didClose = true
    }
    try {
      this.calls.perform(call, { perform, fail: perform })
    } catch (error) {
      if (this.calls.crashed) throw error
      perform()
    }
  }

  /** The directory that holds `path` and its name in it. Throws as the kernel would. */
  place(call: Omit<IoCall, 'index'>, path = call.path): { directory: MemoryDirectory; name: string } {
    const slash = path.lastIndexOf('/')
    const directory = this.names.find(path.slice(0, slash))
    if (directory === undefined) throw this.refusal(call, 'ENOENT')
    if (directory.kind !== 'directory') throw this.refusal(call, 'ENOTDIR')
    return { directory, name: path.slice(slash + 1) }
  }
}
