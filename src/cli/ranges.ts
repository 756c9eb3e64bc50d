/**
 * The options `--from`, `--to` and `--prefix`, with which commands take a range of keys.
 *
 * `--from` is included and `--to` is not, as everywhere. Pinned by test/cli/data-commands.test.ts.
 */
import type { RangeBounds } from '../index'
import { typedToKey } from './byte-text'
import type { CommandOption, Invocation } from './command'
import { textOption } from './invocation'

/** For commands that take a range. */
export const RANGE_OPTIONS: readonly CommandOption[] = [
  { name: 'from', value: 'KEY', about: 'only keys from this one on, it included' },
  { name: 'to', value: 'KEY', about: 'only keys up to this one, it excluded' },
  { name: 'prefix', value: 'BYTES', about: 'only keys that begin with these bytes' },
]

/** The bounds that were given; `{}` without any. Throws `UsageError`. */
export function rangeBounds(invocation: Invocation): RangeBounds {
  const bytesOf = (name: string): Buffer | undefined => {
    const typed = textOption(invocation, name)
    return typed === undefined ? undefined : typedToKey(typed, `--${name}`)
  }
  const [gte, lt, prefix] = [bytesOf('from'), bytesOf('to'), bytesOf('prefix')]
  return {
    ...(gte === undefined ? {} : { gte }),
    ...(lt === undefined ? {} : { lt }),
    ...(prefix === undefined ? {} : { prefix }),
  }
}
