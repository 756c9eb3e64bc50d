/**
 * What the Tab key offers: commands, names of transactions and savepoints, options, and keys that are there.
 *
 * Keys come from a snapshot outside the guarantee: looking for them registers nothing, so pressing Tab aborts nobody.
 * A key that cannot stand as it is comes in quotes. Pinned by test/cli/shell/completion.test.ts.
 */
import type { Database } from '../../index'
import { bytesToTyped, typedToBytes } from '../byte-text'
import type { Participants } from './place'
import type { ShellCommandSpec, WordKind } from './shell-commands'
import { ADDRESS_NONE, SHELL_COMMANDS, findShellCommand } from './shell-commands'
import { SHELL_LIMITS } from './shell-limits'
import { splitWords } from './words'

/** Where candidates come from. */
export interface CompletionSource {
  readonly session: Participants
  /** Keys that begin with `prefix`, in order, at most `limit`. */
  keys(prefix: Uint8Array, limit: number): Promise<readonly Uint8Array[]>
}

/** Candidates, and the end of the line that each of them would take the place of. */
export type Completion = [candidates: string[], replaced: string]

/** The keys of a database, as completion looks at them. */
export async function keysForCompletion(
  db: Database,
  prefix: Uint8Array,
  limit: number,
): Promise<readonly Uint8Array[]> {
  const snapshot = await db.snapshot({ wait: false, label: 'completion' })
  try {
    for await (const page of snapshot.keys({ prefix, limit }).pages(limit)) return page
    return []
  } finally {
    snapshot.close()
  }
}

/** What could stand at the end of `line`. */
export async function completeLine(line: string, source: CompletionSource): Promise<Completion> {
  const words = splitWords(line)
  const last = words.at(-1)
  const isInWord = last !== undefined && last.end === line.length
  const typed = isInWord ? last.text : ''
  const before = (isInWord ? words.slice(0, -1) : words).map(({ text }) => text)
  const addressed = before[0]?.endsWith(':') === true ? before.slice(1) : before
  const [name, ...given] = addressed
  if (name === undefined) return [startsOf(typed, firstWords(source, before.length > 0)), typed]
  const spec = findShellCommand(name)
  if (spec === undefined) return [[], typed]
  const address = addressed === before ? undefined : before[0]?.slice(0, -1)
  return completeWord({ spec, given, typed, address }, source)
}

interface Completing {
  readonly spec: ShellCommandSpec
  readonly given: readonly string[]
  readonly typed: string
  readonly address: string | undefined
}

async function completeWord(completing: Completing, source: CompletionSource): Promise<Completion> {
  const { spec, given, typed } = completing
  const inline = /^(--[a-z-]+=)(.*)$/.exec(typed)
  if (inline !== null) {
    const [, option, value] = inline
    const isKey = spec.options.some(({ name, value: kind }) => kind === 'key' && option === `--${name}=`)
    return isKey ? [await keysLike(value!, source), value!] : [[], typed]
  }
  const previous = given.at(-1) ?? ''
  const takes = spec.options.find(({ name, value }) => value !== undefined && previous === `--${name}`)
  if (takes !== undefined) return [takes.value === 'key' ? await keysLike(typed, source) : [], typed]
  if (typed.startsWith('-')) return [startsOf(typed, spec.options.map(({ name }) => `--${name} `)), typed] // prettier-ignore
  const place = given.filter((word, index) => !word.startsWith('--') && !isValue(spec, given[index - 1])).length
  const kind = spec.words[place]
  if (kind === 'key') return [await keysLike(typed, source), typed]
  if (kind === undefined && typed === '') return [spec.options.map(({ name }) => `--${name} `), typed]
  return [startsOf(typed, namesOf(kind, completing, source)), typed]
}

/** Whether a word stands behind an option that takes a value. */
function isValue(spec: ShellCommandSpec, before: string | undefined): boolean {
  return spec.options.some(({ name, value }) => value !== undefined && before === `--${name}`)
}

function firstWords({ session }: CompletionSource, isAddressed: boolean): string[] {
  const commands = SHELL_COMMANDS.map(({ name }) => `${name} `)
  if (isAddressed) return commands
  return [...commands, ...session.participants.map(({ name }) => `${name}: `), `${ADDRESS_NONE}: `]
}

function namesOf(kind: WordKind | undefined, { address }: Completing, { session }: CompletionSource): string[] {
  const { participants, current } = session
  if (kind === 'transaction') return participants.map(({ name }) => `${name} `)
  if (kind === 'command') return SHELL_COMMANDS.map(({ name }) => `${name} `)
  if (kind === 'to') return ['to ']
  if (kind !== 'savepoint') return []
  const one = address === undefined ? current : participants.find(({ name }) => name === address)
  return [...(one?.savepoints.keys() ?? [])].map((name) => `${name} `)
}

/** Keys that begin with what is typed so far, typed in the same form: as it is, in quotes, or in hexadecimal. */
async function keysLike(typed: string, source: CompletionSource): Promise<string[]> {
  const prefix = prefixOf(typed)
  if (prefix === undefined) return []
  const keys = await source.keys(prefix, SHELL_LIMITS.completionKeysMax)
  if (typed.startsWith('0x')) return keys.map((key) => `0x${Buffer.from(key).toString('hex')} `)
  const texts = keys.map((key) => bytesToTyped(key))
  const mustQuote = typed.startsWith('"') || texts.some((text) => !canStandBare(text.slice(1, -1)))
  return texts.map((text) => `${mustQuote ? text : text.slice(1, -1)} `)
}

/** The bytes typed so far; undefined where they are not whole (half an escape). */
function prefixOf(typed: string): Buffer | undefined {
  try {
    if (typed.startsWith('0x')) return typedToBytes(typed.slice(0, typed.length - (typed.length % 2)), 'KEY')
    return typedToBytes(typed.startsWith('"') ? `${typed}"` : typed, 'KEY')
  } catch {
    return undefined
  }
}

/** Whether a key means the same without quotes, given as it stands between them. */
function canStandBare(text: string): boolean {
  return /^[A-Za-z0-9_./:+@%~][\w./:+@%~-]*$/.test(text) && !text.startsWith('0x')
}

function startsOf(typed: string, candidates: readonly string[]): string[] {
  return candidates.filter((candidate) => candidate.startsWith(typed))
}
