/**
 * The one door to the world: clock, random, scheduler, files with their durability, threads, locks, fault points.
 *
 * `Runtime` is the first argument of everything that touches the world. `runtime/node` is the real one; a second one in
 * memory, with failures injected at any call, serves the tests; a simulator can be a third. All pass test/contract/runtime.
 * Nothing else under src/ reaches a clock, timer, random number, file or process.
 *
 * Durability, said per call below, is what POSIX gives and no more:
 * 1. Bytes written are durable after a successful `sync` of that file, not before; a crash may keep any subset of unsynced sectors.
 * 2. A created, renamed or removed name is durable after a successful `syncDirectory` of its directory.
 * 3. A failed sync says nothing about what is on disk, now or after a second sync: it is never retried.
 * 4. Errors are `IoError` or `DiskFullError` (ENOSPC, EDQUOT); nothing else comes out of the calls on files.
 */

/** Everything the store may know of the world. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
  readonly files: Files
  readonly workers: Workers
  readonly faults: Faults
}

/** Time. Leases and budgets use the monotonic clock; the wall clock is for logs only. */
export interface Clock {
  /** Milliseconds with fractions, never going back; the origin is arbitrary. */
  monotonicMs(): number
  /** Milliseconds since 1970, for people. */
  wallMs(): number
}

/** Randomness that no guarantee rests on (jitter, nonces). */
export interface Random {
  /** An integer in [0, 2^32). */
  u32(): number
  /** A number in [0, 1). */
  fraction(): number
}

/** A timer that can be cancelled; cancelling twice or after it fired does nothing. */
export interface Timer {
  cancel(): void
}

/** Turns and timers. */
export interface Scheduler {
  /** Runs `fn` once this turn's microtasks have run dry, before any I/O. Costs well under a microsecond. */
  afterMicrotasks(fn: () => void): void
  /** Resolves in a later turn of the event loop: timers, I/O and syncs get their chance before. */
  nextTurn(): Promise<void>
  /**
   * Runs `fn` after `ms` milliseconds. Holds the process alive only with `keepAlive`: an idle database holds nothing.
   */
  after(ms: number, fn: () => void, options?: { keepAlive?: boolean }): Timer
}

/** How a file is opened. `create` fails if the name exists; `write` neither creates nor truncates. */
export type OpenMode = 'read' | 'write' | 'create'

/** What a name stands for. */
export interface FileStatus {
  readonly kind: 'file' | 'directory' | 'other'
  /** In bytes. */
  readonly size: number
}

/** Names and directories. Paths are absolute or relative to the process; `join` builds them. */
export interface Files {
  join(...parts: string[]): string
  /** The directory that holds `path`. */
  parent(path: string): string
  /** The absolute form of a path. */
  resolve(path: string): string
  /** Opens a file. A created one has owner-only permissions and is durable after `sync` and `syncDirectory` of its parent. */
  open(path: string, mode: OpenMode): Promise<File>
  /** Opens a file for reading at once, blocking this thread. */
  openSync(path: string): File
  /** undefined if there is no such name. */
  status(path: string): Promise<FileStatus | undefined>
  /** Names in a directory, in ascending order. */
  list(path: string): Promise<string[]>
  /** Creates one directory with owner-only permissions; its parent must exist. Durable after `syncDirectory` of the parent. */
  createDirectory(path: string): Promise<void>
  /** Atomic for the live process; which of the two names a crash leaves is open until `syncDirectory`. */
  rename(from: string, to: string): Promise<void>
  /**
   * Gives a file a second name: true. False, and nothing done, where these two places cannot share a file: they lie on two file
   * systems, or theirs has no links, forbids this one, or has given the file all it can have. Durable after `syncDirectory` of
   * the new name's directory.
   */
  link(from: string, to: string): Promise<boolean>
  /** Removes a file's name; open handles stay readable. A crash may bring the name back until `syncDirectory`. */
  remove(path: string): Promise<void>
  /** Removes an empty directory. A crash may bring it back until `syncDirectory` of its parent. */
  removeDirectory(path: string): Promise<void>
  /** Makes created, renamed and removed names of this directory durable. */
  syncDirectory(path: string): Promise<void>
  /** Bytes free for this process on the file system of `path`. */
  freeBytes(path: string): Promise<number>
  /**
   * Takes the one lock of a directory, held by the kernel through the file LOCK in it until `release` or the death of
   * the process. `shared` never creates LOCK and resolves to undefined where it is absent. Throws `DatabaseLockedError`
   * naming the holder (pid, host, start) if somebody else, this process included, holds it.
   */
  lock(directory: string, mode: 'exclusive' | 'shared'): Promise<DirectoryLock | undefined>
  /** A thread that writes and syncs apart from everything else; see `IoThread`. */
  openIoThread(mode: IoThreadMode): Promise<IoThread>
}

/** A held directory lock. */
export interface DirectoryLock {
  release(): Promise<void>
}

/** An open file. All positions and lengths are in bytes. A closed file must not be used. */
export interface File {
  readonly path: string
  /** Reads into `target[offset, offset + length)` from `position`; resolves to the bytes read, fewer only at the end of the file. */
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number>
  /** The same at once, blocking this thread. */
  readSync(target: Uint8Array, offset: number, length: number, position: number): number
  /** Writes all of `bytes` at `position`, or throws. Not durable until `sync`. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Makes all bytes written to this file, and its size, durable (fdatasync). Never retried after it failed. */
  sync(): Promise<void>
  size(): Promise<number>
  /** Waits for nothing: the caller counts its reads in flight. Never throws. */
  close(): Promise<void>
  /** The same at once, blocking this thread. */
  closeSync(): void
}

/**
 * Where an I/O thread does its work: `thread` (its own thread, never the shared pool) or `inline` (at once on the calling
 * thread, which it blocks). An implementation that cannot start a thread serves `thread` inline and says so in `mode`.
 */
export type IoThreadMode = 'thread' | 'inline'

/** How long the thread was in the system for a request, in milliseconds; 0 for what was not asked for. */
export interface IoTimes {
  readonly writeMs: number
  readonly syncMs: number
}

/** Told when a submitted request has ended; `error` is an `IoError` or `DiskFullError`, `times` what a real thread has measured. */
export type IoDone = (error: Error | undefined, times?: IoTimes) => void

/** How much memory one thread shares for writing without copying, over its whole life, in bytes. */
export const IO_SHARED_BYTES_MAX = 16 * 1024 * 1024
/** Size of the pieces in which other memory is written, in bytes. */
export const IO_STAGE_BYTES = 1024 * 1024

/**
 * Carries out write requests one at a time, in order of submission: one write, then, if asked, one sync.
 *
 * A request is done when its callback runs, in a later turn (inline: in a later microtask-free step, through the
 * scheduler, so that both modes behave alike). While a request is pending the process is held alive.
 */
export interface IoThread {
  /** What it really is. */
  readonly mode: IoThreadMode
  /** Bytes that it holds on to until it is closed, whoever uses them: at most `IO_SHARED_BYTES_MAX` and a stage. */
  readonly memoryBytes: number
  /** Memory that requests can be written from without copying; zero-filled. */
  allocate(bytes: number): Uint8Array
  /**
   * Writes `bytes` (memory from `allocate` of this thread) at `position` of `file`, then syncs the file if `sync`.
   * An empty `bytes` only syncs. The bytes must not change until `done` has been called.
   */
  submit(request: IoRequest, done: IoDone): void
  /** Blocks until every submitted request has ended; their callbacks have run when it returns. */
  drainSync(): void
  /** Ends the thread after the pending requests. */
  close(): Promise<void>
}

/** One request to an I/O thread. */
export interface IoRequest {
  readonly file: File
  readonly bytes: Uint8Array
  readonly position: number
  readonly sync: boolean
  /**
   * It may be carried out on the calling thread, which it blocks meanwhile, if nothing else is pending and it has no sync: for small
   * writes, where to wake a thread costs more than they do. Order and time of the callbacks stay as they are.
   */
  readonly atOnce?: boolean
}

/**
 * Where background jobs do their byte work: `thread` (a thread of its own) or `inline` (on the calling thread, between other
 * work). An implementation that cannot start a thread serves `thread` inline and says so in `mode`.
 */
export type BackgroundMode = 'thread' | 'inline'

/** Background workers. */
export interface Workers {
  /**
   * A worker whose jobs are done by `perform`: inline by that very function, in a thread by what the compiled entry has in its
   * place (src/worker.ts). A thread starts with the first job, or with `start`.
   */
  open(mode: BackgroundMode, perform: PerformJob): BackgroundWorker
}

/**
 * Does a job given as plain data, which may have been copied, with what the place it runs in has for a runtime. It leaves
 * nothing behind when it throws.
 */
export type PerformJob = (runtime: Runtime, data: unknown, hands: JobHands) => Promise<unknown>

/** What a job is given where it runs. */
export interface JobHands {
  /**
   * To be called in a turn of its own between two slices of work, with the bytes handled since the last call; others have
   * their chance before it resolves. Rejects if the job is to end: the job lets this through.
   */
  between(bytes: number): Promise<void>
  /** The next piece of what the job is fed with; undefined behind the last. */
  next(): Promise<unknown>
}

/** A job as the caller gives it. */
export interface BackgroundJob {
  /** Can be copied to another thread (structured clone); shared memory in it stays shared. */
  readonly data: unknown
  /** Jobs in a thread that are not urgent wait, between two of their slices, while an urgent one runs. */
  readonly isUrgent: boolean
  /**
   * Told now and then of bytes handled. What it throws ends the job at its next slice, and is what `run` rejects with. The
   * job waits for what it promises: inline before its next slice, in a thread before it is more than some slices ahead, unless
   * `isPaced` is false.
   */
  readonly onProgress: (bytes: number) => void | Promise<void>
  /** Whether a thread waits for its caller's event loop at all; true unless given. */
  readonly isPaced?: boolean
  /** Gives the pieces that the job is fed with, one after the other, and undefined behind the last. */
  readonly feed?: () => Promise<Uint32Array | undefined>
}

/** Does jobs, several at a time if asked to. The process is held alive while one is pending, and not longer. */
export interface BackgroundWorker {
  /** What it really is. */
  readonly mode: BackgroundMode
  /** Starts its thread ahead of the first job, which then need not wait for it. Never throws. */
  start(): void
  /**
   * Does a job; resolves to what it gives, rejects with its failure. If the thread died under it, that is an `IoError` with
   * the operation WORKER_DIED: what the job left behind is the caller's to remove. The next job gets a new thread.
   */
  run(job: BackgroundJob): Promise<unknown>
  /** Ends the thread. REQUIRES: no job is pending. */
  close(): Promise<void>
}

/** The operation of the `IoError` that a job fails with when its thread has died. */
export const WORKER_DIED = 'run a background job'

/** Named places where tests make the world fail or stop; the real runtime's do nothing. */
export interface Faults {
  /** Called at a named place, such as 'manifest.before-edit'; may throw what a test injects there. */
  reach(point: string): void
}
