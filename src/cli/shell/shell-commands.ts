/**
 * The commands of the shell as data: how each is typed, what its words are, and what `help` says of it.
 *
 * Parsing, completion and help read this one table; what a command does stands in operations.ts.
 * Pinned by test/cli/shell/parse.test.ts.
 */

/** What a word of a command is: what completion offers for it, and what it is checked for. */
export type WordKind = 'key' | 'value' | 'new name' | 'transaction' | 'new savepoint' | 'savepoint' | 'to' | 'command'

/** An option of a command; without a `value` it is a flag. */
export interface ShellOption {
  readonly name: string
  readonly value?: 'key' | 'count'
}

/** One command. */
export interface ShellCommandSpec {
  readonly name: string
  readonly words: readonly WordKind[]
  /** So many of the words must be there. */
  readonly needed: number
  readonly options: readonly ShellOption[]
  readonly usage: string
  readonly about: string
}

const BOUNDS: readonly ShellOption[] = [
  { name: 'prefix', value: 'key' },
  { name: 'from', value: 'key' },
  { name: 'to', value: 'key' },
]
const NONE: readonly ShellOption[] = []

export const SHELL_COMMANDS = [
  {
    name: 'begin',
    words: ['new name'],
    needed: 1,
    options: [{ name: 'snapshot' }, { name: 'read-only' }, { name: 'deferrable' }],
    usage: 'begin NAME [--snapshot] [--read-only] [--deferrable]',
    about:
      'begins a transaction and makes it the current one. --snapshot: only written keys conflict, so write skew is possible; --read-only: only a read of its own can abort it; --deferrable: read-only, its first read waits until nothing can',
  },
  {
    name: 'use',
    words: ['transaction'],
    needed: 0,
    options: NONE,
    usage: 'use [NAME]',
    about: 'makes a transaction the current one; without a name none, so that each command is a transaction of its own',
  },
  { name: 'get', words: ['key'], needed: 1, options: NONE, usage: 'get KEY', about: 'shows the value of a key' },
  {
    name: 'get-for-update',
    words: ['key'],
    needed: 1,
    options: NONE,
    usage: 'get-for-update KEY',
    about:
      'the same, and queues for the key until the transaction ends: who comes later waits instead of being aborted',
  },
  { name: 'put', words: ['key', 'value'], needed: 2, options: NONE, usage: 'put KEY VALUE', about: 'writes a key' },
  {
    name: 'delete',
    words: ['key'],
    needed: 1,
    options: NONE,
    usage: 'delete KEY',
    about: 'deletes a key, there or not',
  },
  {
    name: 'delete-range',
    words: [],
    needed: 0,
    options: [...BOUNDS, { name: 'all' }],
    usage: 'delete-range (--prefix KEY | [--from KEY] [--to KEY] | --all)',
    about: 'deletes every key in a range; --to is excluded',
  },
  {
    name: 'scan',
    words: [],
    needed: 0,
    options: [...BOUNDS, { name: 'limit', value: 'count' }, { name: 'reverse' }, { name: 'keys' }],
    usage: 'scan [--prefix KEY] [--from KEY] [--to KEY] [--limit N] [--reverse] [--keys]',
    about: 'shows rows in order; --to is excluded; only what is shown counts as read. Ctrl-C ends it',
  },
  {
    name: 'count',
    words: [],
    needed: 0,
    options: [...BOUNDS, { name: 'limit', value: 'count' }],
    usage: 'count [--prefix KEY] [--from KEY] [--to KEY] [--limit N]',
    about: 'counts rows, which counts as reading them',
  },
  {
    name: 'savepoint',
    words: ['new savepoint'],
    needed: 1,
    options: NONE,
    usage: 'savepoint NAME',
    about: 'marks a place that writes, never reads, can be rolled back to',
  },
  {
    name: 'rollback',
    words: ['to', 'savepoint'],
    needed: 0,
    options: NONE,
    usage: 'rollback [to SAVEPOINT]',
    about: 'ends the transaction without effect, or undoes its writes since a savepoint, which is then gone',
  },
  { name: 'commit', words: [], needed: 0, options: NONE, usage: 'commit', about: 'commits the transaction' },
  {
    name: 'explain',
    words: ['transaction'],
    needed: 0,
    options: NONE,
    usage: 'explain [NAME]',
    about:
      'shows what a transaction has read and written, whom it missed and who missed it, what it waits for, and what a commit would come to now',
  },
  {
    name: 'history',
    words: ['key'],
    needed: 1,
    options: NONE,
    usage: 'history KEY',
    about: 'shows every version of a key that is still there, newest first, and where each lies; counts as no read',
  },
  { name: 'list', words: [], needed: 0, options: NONE, usage: 'list', about: 'shows the open transactions' },
  { name: 'info', words: [], needed: 0, options: NONE, usage: 'info', about: 'shows what the database is made of' },
  {
    name: 'stats',
    words: [],
    needed: 0,
    options: NONE,
    usage: 'stats',
    about: 'shows its figures, as strictkv stats does',
  },
  {
    name: 'help',
    words: ['command'],
    needed: 0,
    options: NONE,
    usage: 'help [COMMAND]',
    about: 'shows the commands, or one of them',
  },
  {
    name: 'exit',
    words: [],
    needed: 0,
    options: NONE,
    usage: 'exit',
    about: 'leaves; open transactions are rolled back. Ctrl-D does the same',
  },
] as const satisfies readonly ShellCommandSpec[]

export type ShellCommandName = (typeof SHELL_COMMANDS)[number]['name']

/** The command of that name. */
export function findShellCommand(name: string): (ShellCommandSpec & { readonly name: ShellCommandName }) | undefined {
  return SHELL_COMMANDS.find((spec) => spec.name === name)
}

/** Stands for no transaction, in `db: get KEY`: the command is a transaction of its own. */
export const ADDRESS_NONE = 'db'
