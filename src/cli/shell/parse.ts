/**
 * From a line to what it asks for: a command with its words checked, an expectation of a script, or nothing.
 *
 *     alice: put key "a value"      a command of the transaction alice; without `alice:` of the current one; `db:` of none
 *     -> "on"                       what the command above must have printed
 *     bob -> "1"                    what bob's command that had to wait must have printed in the end
 *
 * Everything that can be wrong without looking at a database is found here, so that a script with a mistake in it changes
 * nothing. Pure; throws `UsageError`. Pinned by test/cli/shell/parse.test.ts.
 */
import { nearestName } from '../../base/nearest-name'
import type { ScanOptions } from '../../index'
import { typedToBytes } from '../byte-text'
import { UsageError } from '../cli-errors'
import { ADDRESS_NONE, SHELL_COMMANDS, findShellCommand } from './shell-commands'
import type { ShellCommandName, ShellCommandSpec, ShellOption, WordKind } from './shell-commands'
import { SHELL_LIMITS } from './shell-limits'
import { splitWords } from './words'

/** A command, its words checked. */
export interface ShellCommand {
  readonly kind: 'command'
  readonly name: ShellCommandName
  /** The transaction it was given to; undefined: the current one; `ADDRESS_NONE`: none. */
  readonly address: string | undefined
  /** Names, in order. */
  readonly names: readonly string[]
  /** Keys and values, in order. */
  readonly bytes: readonly Buffer[]
  readonly flags: ReadonlySet<string>
  readonly bounds: ScanOptions
}

/** What a script says must come. */
export interface ShellExpectation {
  readonly kind: 'expectation'
  /** Whose late output; undefined: that of the command above. */
  readonly of: string | undefined
  /** One line, in which `...` stands for anything; `...` alone for any lines. */
  readonly text: string
}

export type ShellLine = ShellCommand | ShellExpectation | { readonly kind: 'nothing' }

const NAME = /^[A-Za-z_][\w-]*$/
const EXPECTATION = /^\s*([A-Za-z_][\w-]*)?\s*->(?: (.*)|)$/

/** Reads one line. Throws `UsageError`. */
export function parseLine(line: string): ShellLine {
  const expectation = EXPECTATION.exec(line.replace(/\s+$/, ''))
  if (expectation !== null) return { kind: 'expectation', of: expectation[1], text: expectation[2] ?? '' }
  const words = splitWords(line).map(({ text }) => text)
  const [first] = words
  if (first === undefined) return { kind: 'nothing' }
  if (!first.endsWith(':') || first === ':') return parseCommand(undefined, words)
  if (words.length === 1) throw new UsageError(`Cannot run ${first} alone: say what ${first.slice(0, -1)} is to do`)
  const address = first.slice(0, -1)
  return parseCommand(address === ADDRESS_NONE ? address : checkedName(address, 'a transaction'), words.slice(1))
}

/** Throws unless `name` can be the name of a transaction or savepoint (`what`). */
function checkedName(name: string, what: string): string {
  const { nameCharsMax } = SHELL_LIMITS
  if (name === ADDRESS_NONE) throw new UsageError(`Cannot call ${what} "db": db: stands for no transaction`)
  if (NAME.test(name) && name.length <= nameCharsMax) return name
  throw new UsageError(
    `Cannot use ${JSON.stringify(name)} as the name of ${what}: it is a letter, then letters, digits, _ and -, at most ${nameCharsMax}`,
  )
}

function parseCommand(address: string | undefined, words: readonly string[]): ShellCommand {
  const [name = '', ...rest] = words
  const spec = findShellCommand(name)
  if (spec === undefined) throw unknownCommand(name)
  const { given, values } = takeOptions(spec, rest)
  if (given.length < spec.needed) throw new UsageError(`Cannot run ${name}: usage: ${spec.usage}`)
  if (given.length > spec.words.length) {
    throw new UsageError(`Cannot run ${name}: ${given[spec.words.length]!} is one word too many; usage: ${spec.usage}`)
  }
  const names: string[] = []
  const bytes: Buffer[] = []
  given.forEach((word, index) => {
    const kind = spec.words[index]!
    if (kind === 'key' || kind === 'value') bytes.push(typedToBytes(word, kind === 'key' ? 'KEY' : 'VALUE'))
    else names.push(checkedWord(word, kind))
  })
  if (spec.name === 'rollback' && given.length === 1) throw new UsageError(`Cannot run rollback: usage: ${spec.usage}`)
  const bounds = toBounds(values)
  const flags = new Set([...values].filter(([, value]) => value === true).map(([flag]) => flag))
  if (spec.name === 'delete-range') checkDeletion(flags, bounds, spec)
  if (spec.name === 'begin') checkBegin(flags)
  return { kind: 'command', name: spec.name, address, names, bytes, flags, bounds }
}

function unknownCommand(name: string): UsageError {
  const nearest = nearestName(
    name,
    SHELL_COMMANDS.map((spec) => spec.name),
  )
  const advice = nearest === undefined ? 'see help' : `did you mean ${nearest}?`
  return new UsageError(`Cannot run ${JSON.stringify(name)}: there is no such command; ${advice}`)
}

function checkedWord(word: string, kind: WordKind): string {
  if (kind === 'to') {
    if (word === 'to') return word
    throw new UsageError(`Cannot run rollback ${word}: write rollback, or rollback to SAVEPOINT`)
  }
  if (kind === 'command') {
    if (findShellCommand(word) === undefined) throw unknownCommand(word)
    return word
  }
  return checkedName(word, kind.endsWith('savepoint') ? 'a savepoint' : 'a transaction')
}

type OptionValues = Map<string, true | string>

/** Takes the options out of the words of a command. A word in quotes is never an option. */
function takeOptions(
  spec: ShellCommandSpec,
  words: readonly string[],
): { readonly given: string[]; readonly values: OptionValues } {
  const given: string[] = []
  const values: OptionValues = new Map()
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (!word.startsWith('--')) {
      given.push(word)
      continue
    }
    const equals = word.indexOf('=')
    const name = word.slice(2, equals === -1 ? undefined : equals)
    const option = spec.options.find((candidate) => candidate.name === name)
    if (option === undefined) throw unknownOption(spec, name)
    if (values.has(name)) throw new UsageError(`Cannot run ${spec.name} with --${name} twice`)
    if (option.value === undefined) {
      if (equals !== -1) throw new UsageError(`Cannot use --${name}=...: it takes no value`)
      values.set(name, true)
      continue
    }
    const value = equals === -1 ? words[++at] : word.slice(equals + 1)
    if (value === undefined) throw new UsageError(`Cannot use --${name}: give it a ${option.value}`)
    values.set(name, value)
  }
  return { given, values }
}

function unknownOption(spec: ShellCommandSpec, name: string): UsageError {
  const known = spec.options.map((option: ShellOption) => option.name)
  const nearest = nearestName(name, known)
  const advice = nearest === undefined ? `usage: ${spec.usage}` : `did you mean --${nearest}?`
  return new UsageError(`Cannot run ${spec.name} with --${name}: it has no such option; ${advice}`)
}

function toBounds(values: OptionValues): ScanOptions {
  const key = (name: string): Buffer | undefined => {
    const value = values.get(name)
    return typeof value === 'string' ? typedToBytes(value, `--${name}`) : undefined
  }
  const limit = values.get('limit')
  if (typeof limit === 'string' && !/^\d{1,15}$/.test(limit)) {
    throw new UsageError(`Cannot use ${JSON.stringify(limit)} as --limit: give a whole number of rows`)
  }
  return {
    prefix: key('prefix'),
    gte: key('from'),
    lt: key('to'),
    limit: typeof limit === 'string' ? Number(limit) : undefined,
    reverse: values.has('reverse'),
  }
}

function checkDeletion(flags: ReadonlySet<string>, bounds: ScanOptions, spec: ShellCommandSpec): void {
  const isBounded = bounds.prefix !== undefined || bounds.gte !== undefined || bounds.lt !== undefined
  if (isBounded === flags.has('all')) {
    throw new UsageError(`Cannot run delete-range: give bounds, or --all for every key; usage: ${spec.usage}`)
  }
}

function checkBegin(flags: ReadonlySet<string>): void {
  if (flags.has('snapshot') && flags.has('deferrable')) {
    throw new UsageError('Cannot begin with --snapshot and --deferrable: a deferrable one waits for serializability')
  }
}
