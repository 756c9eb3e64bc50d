/**
 * The whole runtime in memory: deterministic from a seed, with failures and crashes injected at any I/O call.
 *
 *     const runtime = createMemoryRuntime({ seed, inject: (call) => (call.index === 7 ? 'crash-after' : undefined) })
 *     ... run the code under test until runtime.crashed ...
 *     const rebooted = createMemoryRuntime({ files: runtime.durableImage({ seed: 3 }) })
 *
 * 1. One seed, one order of events: completions are delivered one a turn, chosen by the seed; the clock is virtual.
 * 2. After a crash asynchronous calls never complete, timers never fire, synchronous calls throw `CrashedError`.
 * 3. An image is a value: any number of reboots can be tried from one crash.
 *
 * It passes the contract of the door (test/contract/runtime); what it loses in a crash is pinned by
 * test/unit/runtime/memory-durability.test.ts.
 */
import { createInlineWorker } from '../../../src/runtime/inline-worker'
import type { IoThreadMode, Random, Runtime } from '../../../src/runtime/runtime'
import { imageOf } from './durable-image'
import type { DurableImage, ImageChoice } from './durable-image'
import { CrashedError } from './io-calls'
import type { Injection, IoCall } from './io-calls'
import { MemoryDirectory, MemoryNode } from './memory-disk'
import { createMemoryFiles } from './memory-files'
import { MemoryWorld } from './memory-world'
import { createRandomStream } from './random-stream'

/** What a fault point does: throw, end the world, or nothing. */
export type PointInjection = Error | 'crash' | undefined

/** How the world begins and what goes wrong in it. */
export interface MemoryRuntimeOptions {
  readonly seed?: number
  /** What a reboot found; an empty disk if left out. */
  readonly files?: DurableImage
  /** Asked once for each I/O call, before it is carried out. */
  readonly inject?: (call: IoCall) => Injection | undefined
  /** Asked at each named fault point. */
  readonly injectAtPoint?: (point: string) => PointInjection
  /** Size of the disk: writes beyond it fail as a full disk does. */
  readonly capacityBytes?: number
  /** Whether the clock moves to the next timer when nothing else is left to happen; true if left out. */
  readonly clockJumps?: boolean
  /** The mode of every I/O thread, whatever is asked for. */
  readonly ioThreadMode?: IoThreadMode
}

/** The door, and what stands behind it. */
export interface MemoryRuntime extends Runtime {
  /** Every call so far, in the order in which the disk carried them out. */
  readonly calls: readonly IoCall[]
  /** Fault points reached so far. */
  readonly points: readonly string[]
  readonly crashed: boolean
  readonly usedBytes: number
  /** May be changed at any time. */
  inject: ((call: IoCall) => Injection | undefined) | undefined
  /** May be changed at any time. */
  injectAtPoint: ((point: string) => PointInjection) | undefined
  /** May be changed at any time; less than what is used means: no room. */
  capacityBytes: number
  /** While true, whatever needs new room fails with `DiskFullError`, and `freeBytes` is 0. */
  isDiskFull: boolean
  /** Ends the world now. */
  crash(): void
  /** The disk as the next boot finds it; the world may go on. */
  durableImage(choice: ImageChoice): DurableImage
  /** Moves the clock by `ms`; timers that become due fire in turns to come. */
  advance(ms: number): void
}

/** A world in memory. See the header. */
export function createMemoryRuntime(options: MemoryRuntimeOptions = {}): MemoryRuntime {
  const seed = options.seed ?? 0
  const world = new MemoryWorld({ seed, capacityBytes: options.capacityBytes, jumps: options.clockJumps ?? true })
  world.calls.inject = options.inject
  if (options.files !== undefined) restore(world, options.files)
  const points: string[] = []
  const runtime: MemoryRuntime = {
    clock: world.scheduler,
    random: createRandom(seed),
    scheduler: world.scheduler,
    files: createMemoryFiles(world, options.ioThreadMode),
    // A world in memory has one thread: jobs run in slices, whatever was asked for.
    workers: { open: (_, perform) => createInlineWorker(runtime, perform) },
    faults: { reach: (point) => reach(point) },
    calls: world.calls.log,
    points,
    injectAtPoint: options.injectAtPoint,
    get inject() {
      return world.calls.inject
    },
    set inject(inject) {
      world.calls.inject = inject
    },
    get crashed() {
      return world.calls.crashed
    },
    get usedBytes() {
      return world.usedBytes
    },
    get capacityBytes() {
      return world.capacityBytes
    },
    set capacityBytes(bytes) {
      world.capacityBytes = bytes
    },
    get isDiskFull() {
      return world.isFull
    },
    set isDiskFull(isFull) {
      world.isFull = isFull
    },
    crash: () => world.calls.crash(),
    durableImage: (choice) => imageOf(world.names, choice),
    advance: (ms) => world.scheduler.advance(ms),
  }
  const reach = (point: string): void => {
    world.calls.requireAlive(`fault point ${point}`)
    points.push(point)
    const injection = runtime.injectAtPoint?.(point)
    if (injection === undefined) return
    if (injection !== 'crash') throw injection
    world.calls.crash()
    throw new CrashedError(`crashed at fault point ${point}`)
  }
  return runtime
}

function createRandom(seed: number): Random {
  const stream = createRandomStream(seed, 'door')
  return { u32: () => stream.u32(), fraction: () => stream.fraction() }
}

/** What the image holds is on disk: all of it durable. */
function restore(world: MemoryWorld, image: DurableImage): void {
  const parentOf = (path: string): { parent: MemoryDirectory; name: string } => {
    const { directory, name } = world.place({ operation: 'open', path })
    return { parent: directory, name }
  }
  const put = (path: string, node: MemoryNode | MemoryDirectory): void => {
    const { parent, name } = parentOf(path)
    parent.seen.set(name, node)
    parent.onDisk.set(name, node)
  }
  for (const path of image.directories) put(path, new MemoryDirectory(path))
  for (const [path, bytes] of image.files) {
    const node = new MemoryNode(path, Uint8Array.from(bytes))
    node.names = 1
    put(path, node)
    world.nodes.add(node)
  }
}
