/**
 * Reads the words behind a command's name into an `Invocation`, or says in one sentence what is wrong with them.
 *
 * node:util parseArgs takes the words apart; what is refused, and how that is said, is decided here. A word that begins with a
 * dash and is meant as a key or a file stands behind `--`. Pinned by test/cli/invocation.test.ts.
 */
import { parseArgs } from 'node:util'
import { nearestName } from '../base/nearest-name'
import { UsageError } from './cli-errors'
import type { Command, CommandOption, Invocation, Terminal } from './command'

/** What every command takes. */
export const COMMON_OPTIONS: readonly CommandOption[] = [
  { name: 'json', about: 'answer with one JSON document on standard output' },
  { name: 'help', short: 'h', about: 'show this help' },
]

/** The one line that shows how a command is called. */
export function usageOf(command: Command): string {
  return ['strictkv', command.name, ...command.positionals, '[options]'].join(' ')
}

/** Whether the words ask for the command's help, whatever else they say. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return words.slice(0, end === -1 ? words.length : end).some((word) => word === '--help' || word === '-h')
}

/** Whether the words ask for JSON: also where the rest of them is wrong, so that an error can be JSON too. */
export function asksForJson(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return words.slice(0, end === -1 ? words.length : end).includes('--json')
}

/** Takes `words` apart as `command` declares them. Throws `UsageError`. */
export function parseInvocation(command: Command, words: readonly string[], terminal: Terminal): Invocation {
  const options = [...command.options, ...COMMON_OPTIONS]
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(options.map((option) => [option.name, toParseArgs(option)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<string, true | string | readonly string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind === 'option') takeOption(values, { command, options, token })
  }
  checkCount(command, positionals)
  return { command, positionals, values, json: values.has('json'), terminal }
}

/** The text of an option, or undefined. */
export function textOption(invocation: Invocation, name: string): string | undefined {
  const value = invocation.values.get(name)
  return typeof value === 'string' ? value : undefined
}

/** The texts of an option that may be given more than once. */
export function textOptions(invocation: Invocation, name: string): readonly string[] {
  const value = invocation.values.get(name)
  return Array.isArray(value) ? (value as readonly string[]) : []
}

/** Whether a flag was given. */
export function flagOption(invocation: Invocation, name: string): boolean {
  return invocation.values.get(name) === true
}

/** An option that is a whole number from `min` to `max`, or undefined. Throws `UsageError`. */
export function countOption(
  invocation: Invocation,
  name: string,
  bounds: { readonly min: number; readonly max: number },
): number | undefined {
  const text = textOption(invocation, name)
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  if (value >= bounds.min && value <= bounds.max) return value
  throw new UsageError(
    `Cannot use ${JSON.stringify(text)} as --${name}: give a whole number from ${bounds.min} to ${bounds.max}`,
  )
}

/** An option that is one of `words`, or undefined. Throws `UsageError`, with the nearest word. */
export function wordOption<Word extends string>(
  invocation: Invocation,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = textOption(invocation, name)
  if (text === undefined) return undefined
  const word = words.find((candidate) => candidate === text)
  if (word !== undefined) return word
  throw new UsageError(`Cannot use ${JSON.stringify(text)} as --${name}: give ${words.join(', ')}`)
}

/** The argument at `index`, which `positionals` of the command says is there. */
export function argument(invocation: Invocation, index: number): string {
  const value = invocation.positionals[index]
  if (value === undefined) throw missing(invocation.command, index)
  return value
}

function toParseArgs(option: CommandOption): { type: 'string' | 'boolean'; short?: string; multiple?: boolean } {
  return {
    type: option.value === undefined ? 'boolean' : 'string',
    ...(option.short === undefined ? {} : { short: option.short }),
    ...(option.multiple === true ? { multiple: true } : {}),
  }
}

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

interface TakingOption {
  readonly command: Command
  readonly options: readonly CommandOption[]
  readonly token: OptionToken
}

function takeOption(values: Map<string, true | string | readonly string[]>, taking: TakingOption): void {
  const { command, options, token } = taking
  const option = options.find((candidate) => candidate.name === token.name)
  if (option === undefined) throw unknownOption(command, options, token.rawName)
  const given = values.get(option.name)
  if (option.value === undefined) {
    if (token.value !== undefined) throw new UsageError(`Cannot use ${token.rawName}=...: it takes no value`)
    values.set(option.name, true)
    return
  }
  if (token.value === undefined) throw new UsageError(`Cannot use ${token.rawName}: give it a ${option.value}`)
  if (token.inlineValue === false && /^-./.test(token.value)) {
    throw new UsageError(
      `Cannot tell whether ${token.value} is the ${option.value} of ${token.rawName}: write ${token.rawName}=${token.value}`,
    )
  }
  if (option.multiple === true) values.set(option.name, [...((given as string[] | undefined) ?? []), token.value])
  else if (given === undefined) values.set(option.name, token.value)
  else throw new UsageError(`Cannot use ${token.rawName} twice: it takes one ${option.value}`)
}

function unknownOption(command: Command, options: readonly CommandOption[], rawName: string): UsageError {
  const nearest = nearestName(
    rawName.replace(/^-+/, ''),
    options.map((option) => option.name),
  )
  const advice = nearest === undefined ? `see strictkv help ${command.name}` : `did you mean --${nearest}?`
  return new UsageError(
    `Cannot run ${command.name} with ${rawName}: it has no such option; ${advice} (A word with a dash that is no option stands behind --.)`,
  )
}

function checkCount(command: Command, given: readonly string[]): void {
  const names = command.positionals
  const needed = names.filter((name) => !name.startsWith('[')).length
  if (given.length < needed) throw missing(command, given.length)
  if (names.at(-1)?.includes('...') === true || given.length <= names.length) return
  throw new UsageError(
    `Cannot run ${command.name}: ${JSON.stringify(given[names.length])} is one argument too many; usage: ${usageOf(command)}`,
  )
}

function missing(command: Command, index: number): UsageError {
  return new UsageError(
    `Cannot run ${command.name}: ${command.positionals[index] ?? 'an argument'} is missing; usage: ${usageOf(command)}`,
  )
}
