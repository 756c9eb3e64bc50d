/**
 * `strictkv stats DIR`: the figures of a database that is not open elsewhere, for people, programs, or Prometheus.
 *
 * It opens for reading and writes nothing. While it watches, it opens anew for each look, so that nobody is kept out in between; a
 * database that somebody has open just then is said to be, and looked at again.
 * Pinned by test/cli/stats.test.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseLockedError, prometheusText } from '../../index'
import type { DatabaseStats } from '../../index'
import type { Json } from '../answer'
import { answer } from '../answer'
import { UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { argument, countOption, flagOption } from '../invocation'
import { withDatabase } from '../open-database'
import { statsLines } from '../stats-lines'

const WATCH_SECONDS_MAX = 86_400

export const statsCommand: Command = {
  name: 'stats',
  summary: 'show figures: levels, amplification, log, memory beside its budget',
  positionals: ['DIR'],
  options: [
    { name: 'watch', value: 'SECONDS', about: 'show them again every so many seconds, until Ctrl-C' },
    { name: 'prometheus', about: 'show them in the text format of Prometheus' },
  ],
  help: {
    about: [
      'Opens the database for reading and shows what it looks like: what lies in which level, what the log holds, and the memory it would take beside the budget that its limits allow. Counters begin with the opening, so they tell little here.',
      'An application shows its own figures with db.stats(), and gives Prometheus what prometheusText(db.stats()) returns: the same text as --prometheus.',
    ],
    examples: [
      { want: 'the figures of a database', line: 'strictkv stats ./data' },
      { want: 'all of them, for a program', line: 'strictkv stats ./data --json' },
      { want: 'every ten seconds', line: 'strictkv stats ./data --watch 10' },
      { want: 'for the collector of text files of Prometheus', line: 'strictkv stats ./data --prometheus' },
    ],
  },
  run: async (invocation) => {
    const seconds = countOption(invocation, 'watch', { min: 1, max: WATCH_SECONDS_MAX })
    if (flagOption(invocation, 'prometheus') && invocation.json) {
      throw new UsageError('Cannot show stats as JSON and for Prometheus at once: leave out --json or --prometheus')
    }
    const { signal } = invocation.terminal
    await show(invocation, false)
    while (seconds !== undefined) {
      await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined)
      signal.throwIfAborted()
      await show(invocation, true)
    }
    return EXIT_DONE
  },
}

/** One look. */
async function show(invocation: Invocation, isAgain: boolean): Promise<void> {
  const directory = argument(invocation, 0)
  try {
    const stats = await withDatabase(invocation, { directory, readOnly: true }, (db) => Promise.resolve(db.stats()))
    if (flagOption(invocation, 'prometheus')) invocation.terminal.out(prometheusText(stats))
    else answer(invocation, toJson(stats), [...(isAgain ? [''] : []), ...statsLines(stats)])
  } catch (error) {
    if (!isAgain || !(error instanceof DatabaseLockedError)) throw error
    invocation.terminal.err(`strictkv: ${error.message}\n`)
  }
}

/** As JSON can say it: errors as their messages. */
function toJson(stats: DatabaseStats): Json {
  const text = JSON.stringify(stats, (_name, value: unknown) => (value instanceof Error ? value.message : value))
  return JSON.parse(text) as Json
}
