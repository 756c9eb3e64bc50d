/** Names, directories and locks of the runtime in memory: POSIX paths under one root, every call numbered. */
import path from 'node:path'
import { assert } from '../../../src/base/assert'
import { DatabaseLockedError } from '../../../src/base/errors'
import { encodeLockHolder } from '../../../src/runtime/node/lock-strategy'
import { isLinkImpossible } from '../../../src/runtime/node/system-errors'
import type { DirectoryLock, Files, FileStatus, IoThreadMode, OpenMode } from '../../../src/runtime/runtime'
import { MemoryDirectory, MemoryNode } from './memory-disk'
import { MemoryFile } from './memory-file'
import { MemoryIoThread } from './memory-io-thread'
import type { MemoryWorld } from './memory-world'

const posix = path.posix
const resolvePath = (file: string): string => posix.resolve('/', file)

/** The files of `world`; `threadMode` overrides the mode that I/O threads are opened in. */
export function createMemoryFiles(world: MemoryWorld, threadMode: IoThreadMode | undefined): Files {
  const { scheduler, calls } = world
  /** One call in a later turn. */
  const call = <T>(
    operation: NamedOperation,
    file: string,
    perform: (what: Called) => T,
    fail?: () => void,
  ): Promise<T> => {
    const what = { operation, path: resolvePath(file) }
    const effect = { perform: () => perform(what), ...(fail === undefined ? {} : { fail }) }
    return scheduler.later(() => calls.perform(what, effect))
  }
  const directoryAt = (what: Called): MemoryDirectory => {
    const node = world.names.find(what.path)
    if (node === undefined) throw world.refusal(what, 'ENOENT')
    if (node.kind !== 'directory') throw world.refusal(what, 'ENOTDIR')
    return node
  }
  return {
    join: (...parts) => posix.join(...parts),
    parent: (file) => posix.dirname(resolvePath(file)),
    resolve: resolvePath,
    open: (file, mode) =>
      call(
        mode === 'create' ? 'create' : 'open',
        file,
        (what) => new MemoryFile(world, file, openNode(world, what, mode), mode !== 'read'),
      ),
    openSync: (file) => {
      const what = { operation: 'open', path: resolvePath(file) } as const
      return calls.perform(what, { perform: () => new MemoryFile(world, file, openNode(world, what, 'read'), false) })
    },
    status: (file) => call('status', file, (what) => statusAt(world, what)),
    list: (directory) => call('list', directory, (what) => [...directoryAt(what).seen.keys()].sort()),
    createDirectory: (directory) => call('create-directory', directory, (what) => createDirectory(world, what)),
    rename: (from, to) => call('rename', from, (what) => rename(world, what, resolvePath(to))),
    link: async (from, to) => {
      try {
        await call('link', from, (what) => link(world, what, resolvePath(to)))
        return true
      } catch (error) {
        if (isLinkImpossible((error as Error).cause)) return false
        throw error
      }
    },
    remove: (file) => call('remove', file, (what) => remove(world, what)),
    removeDirectory: (directory) => call('remove-directory', directory, (what) => removeDirectory(world, what)),
    syncDirectory: (directory) =>
      call(
        'sync-directory',
        directory,
        (what) => world.names.sync(directoryAt(what)),
        () => {
          const node = world.names.find(resolvePath(directory))
          if (node?.kind === 'directory') world.names.dropUnsynced(node)
        },
      ),
    freeBytes: (file) =>
      call('free-bytes', file, (what) => {
        if (world.names.find(what.path) === undefined) throw world.refusal(what, 'ENOENT')
        return world.freeBytes
      }),
    lock: createLocks(world, call, directoryAt),
    openIoThread: (mode) => scheduler.later(() => new MemoryIoThread(world, threadMode ?? mode)),
  }
}

type NamedOperation =
  | 'open' | 'create' | 'status' | 'list' | 'create-directory' | 'rename' | 'link' | 'remove' | 'remove-directory'
  | 'sync-directory' | 'free-bytes' | 'lock' // prettier-ignore

interface Called {
  readonly operation: NamedOperation
  readonly path: string
}

type Call = <T>(operation: NamedOperation, file: string, perform: (what: Called) => T) => Promise<T>

function openNode(world: MemoryWorld, what: Called, mode: OpenMode): MemoryNode {
  const { directory, name } = world.place(what)
  const node = directory.seen.get(name)
  if (mode === 'create') {
    if (node !== undefined) throw world.refusal(what, 'EEXIST')
    return createNode(world, what, directory, name)
  }
  if (node === undefined) throw world.refusal(what, 'ENOENT')
  if (node.kind === 'directory') throw world.refusal(what, 'EISDIR')
  return node
}

function createNode(world: MemoryWorld, what: Called, directory: MemoryDirectory, name: string): MemoryNode {
  if (world.isFull) throw world.refusal(what, 'ENOSPC')
  const node = new MemoryNode(what.path)
  world.names.create(directory, name, node)
  world.nodes.add(node)
  return node
}

function statusAt(world: MemoryWorld, what: Called): FileStatus | undefined {
  const parent = world.names.find(posix.dirname(what.path))
  if (parent?.kind === 'file') throw world.refusal(what, 'ENOTDIR')
  const node = world.names.find(what.path)
  if (node === undefined) return undefined
  return node.kind === 'directory' ? { kind: 'directory', size: 0 } : { kind: 'file', size: node.size }
}

function createDirectory(world: MemoryWorld, what: Called): void {
  const { directory, name } = world.place(what)
  if (name === '' || directory.seen.has(name)) throw world.refusal(what, 'EEXIST')
  if (world.isFull) throw world.refusal(what, 'ENOSPC')
  world.names.create(directory, name, new MemoryDirectory(what.path))
}

function rename(world: MemoryWorld, what: Called, to: string): void {
  const from = world.place(what)
  const node = from.directory.seen.get(from.name)
  if (node === undefined) throw world.refusal(what, 'ENOENT')
  const target = world.place(what, to)
  const replaced = target.directory.seen.get(target.name)
  if (replaced?.kind === 'directory' && node.kind === 'file') throw world.refusal(what, 'EISDIR')
  if (replaced?.kind === 'file' && node.kind === 'directory') throw world.refusal(what, 'ENOTDIR')
  if (replaced?.kind === 'directory' && replaced.seen.size > 0) throw world.refusal(what, 'ENOTEMPTY')
  world.names.rename(from, target, node)
}

function link(world: MemoryWorld, what: Called, to: string): void {
  const from = world.place(what)
  const node = from.directory.seen.get(from.name)
  if (node === undefined) throw world.refusal(what, 'ENOENT')
  if (node.kind === 'directory') throw world.refusal(what, 'EPERM')
  const target = world.place(what, to)
  if (target.directory.seen.has(target.name)) throw world.refusal(what, 'EEXIST')
  if (world.isFull) throw world.refusal(what, 'ENOSPC')
  world.names.create(target.directory, target.name, node)
}

function removeDirectory(world: MemoryWorld, what: Called): void {
  const { directory, name } = world.place(what)
  const node = directory.seen.get(name)
  if (node === undefined) throw world.refusal(what, 'ENOENT')
  if (node.kind !== 'directory') throw world.refusal(what, 'ENOTDIR')
  if (node.seen.size > 0) throw world.refusal(what, 'ENOTEMPTY')
  world.names.remove(directory, name, node)
}

function remove(world: MemoryWorld, what: Called): void {
  const { directory, name } = world.place(what)
  const node = directory.seen.get(name)
  if (node === undefined) throw world.refusal(what, 'ENOENT')
  if (node.kind === 'directory') throw world.refusal(what, 'EISDIR')
  world.names.remove(directory, name, node)
}

/** Locks are the kernel's: they live in the world and die with it. */
function createLocks(world: MemoryWorld, call: Call, directoryAt: (what: Called) => MemoryDirectory): Files['lock'] {
  const holdersByDirectory = new Map<MemoryDirectory, Set<'exclusive' | 'shared'>[]>()
  return (directory, mode) =>
    call('lock', directory, (what): DirectoryLock | undefined => {
      const node = directoryAt(what)
      const file = { operation: 'lock', path: posix.join(what.path, 'LOCK') } as const
      let lockFile = node.seen.get('LOCK')
      if (lockFile === undefined) {
        if (mode === 'shared') return undefined
        lockFile = createNode(world, file, node, 'LOCK')
      }
      if (lockFile.kind !== 'file') throw world.refusal(file, 'EISDIR')
      const holders = holdersByDirectory.get(node) ?? []
      if (holders.some((holder) => mode === 'exclusive' || holder.has('exclusive'))) {
        throw new DatabaseLockedError(
          `Cannot lock "${directory}": this process (pid 1, host "memory", since 0) holds it`,
        )
      }
      const holding = new Set([mode])
      holdersByDirectory.set(node, [...holders, holding])
      if (mode === 'exclusive') {
        const text = Buffer.from(encodeLockHolder({ pid: 1, host: 'memory', startMs: 0, token: 'memory' }))
        assert(text.length > 0, 'a holder has a name')
        lockFile.write(text.subarray(0, world.roomFor(lockFile, 0, text.length)), 0)
      }
      const letGo = (): void => {
        const others = (holdersByDirectory.get(node) ?? []).filter((holder) => holder !== holding)
        holdersByDirectory.set(node, others)
      }
      return { release: () => world.scheduler.later(letGo) }
    })
}
