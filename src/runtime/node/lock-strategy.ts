/**
 * Decides, from the platform's name alone, how the lock of a directory can be taken there, and reads who holds it.
 *
 * | platform | way | state |
 * |---|---|---|
 * | linux, android | `flock -n` run on the inherited descriptor; where that command is missing, an abstract socket | tested |
 * | darwin, freebsd, openbsd | open with O_EXLOCK or O_SHLOCK | untried: no such machine was at hand |
 * | win32 | open with UV_FS_O_EXLOCK | untried: no such machine was at hand |
 * | any other | `flock -n`, and nothing behind it | untried |
 *
 * Pinned by test/unit/runtime/lock-strategy.test.ts.
 */

/** One way to take a lock; they are tried in order until one is available. */
export type LockStrategy =
  | { readonly way: 'flock-command' }
  | { readonly way: 'abstract-socket' }
  | { readonly way: 'open-flag'; readonly exclusiveFlag: number; readonly sharedFlag: number }

/** O_EXLOCK, O_SHLOCK and O_NONBLOCK of the BSD family (sys/fcntl.h); Node exports none of the first two. */
const bsd = { exclusive: 0x20, shared: 0x10, nonBlocking: 0x4 } as const
/** UV_FS_O_EXLOCK of libuv on Windows; Node does not export it. A shared one needs no flag there: it shares by default. */
const windowsExclusive = 0x1000_0000

/** The ways to try on `platform` (a value of `process.platform`), best first. */
export function lockStrategies(platform: string): readonly LockStrategy[] {
  switch (platform) {
    case 'linux':
    case 'android':
      return [{ way: 'flock-command' }, { way: 'abstract-socket' }]
    case 'darwin':
    case 'freebsd':
    case 'openbsd':
      return [
        {
          way: 'open-flag',
          exclusiveFlag: bsd.exclusive | bsd.nonBlocking,
          sharedFlag: bsd.shared | bsd.nonBlocking,
        },
      ]
    case 'win32':
      return [{ way: 'open-flag', exclusiveFlag: windowsExclusive, sharedFlag: 0 }]
    default:
      return [{ way: 'flock-command' }]
  }
}

/** What flock(1) said. Exit status 1 without a word is "somebody else holds it", in util-linux and in busybox alike. */
export type FlockAnswer = 'locked' | 'held-by-another' | 'failed'

/** Reads the answer of the flock command. `status` is null where a signal ended it. */
export function flockAnswer(status: number | null, errorText: string): FlockAnswer {
  if (status === 0) return 'locked'
  return status === 1 && errorText.trim() === '' ? 'held-by-another' : 'failed'
}

/** What the holder of an exclusive lock writes into LOCK. */
export interface LockHolder {
  readonly pid: number
  readonly host: string
  /** When it took the lock, in milliseconds since 1970. */
  readonly startMs: number
  /** Random, tells this holding from every other. */
  readonly token: string
}

/** The content of LOCK: one line of JSON. */
export function encodeLockHolder(holder: LockHolder): string {
  return `${JSON.stringify(holder)}\n`
}

/** The holder that LOCK names, or undefined where it names none (empty, torn, of another program). */
export function decodeLockHolder(text: string): LockHolder | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { pid, host, startMs, token } = value as Partial<Record<keyof LockHolder, unknown>>
  if (!Number.isSafeInteger(pid) || typeof host !== 'string' || typeof token !== 'string') return undefined
  if (typeof startMs !== 'number' || !(Math.abs(startMs) <= dateMsMax)) return undefined
  return { pid: pid as number, host, startMs, token }
}

/** The greatest time that a date can hold, in milliseconds; toISOString throws beyond it. */
const dateMsMax = 8_640_000_000_000_000

/** Says who holds a lock, as the subject of a sentence. */
export function describeLockHolder(
  holder: LockHolder | undefined,
  here: { readonly pid: number; readonly host: string; readonly isAlive: (pid: number) => boolean },
): string {
  // After a kill LOCK still names the dead one, and readers, which share the lock, never write their names.
  if (holder === undefined || (holder.host === here.host && !here.isAlive(holder.pid))) {
    return 'another opener, which left no name in LOCK (a read-only one does not),'
  }
  const who = holder.host === here.host && holder.pid === here.pid ? 'this process' : 'process'
  return `${who} (pid ${holder.pid}, host ${JSON.stringify(holder.host)}, since ${new Date(holder.startMs).toISOString()})`
}
