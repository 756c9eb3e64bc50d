/**
 * `strictkv help [COMMAND]`: what there is, and how one command is used.
 *
 * It is given the list of commands: the list holds it, so it cannot import the list.
 */
import { nearestName } from '../../base/nearest-name'
import type { Json } from '../answer'
import { answer } from '../answer'
import { UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import type { ExitCode } from '../exit-codes'
import { EXIT_CODES, EXIT_DONE } from '../exit-codes'
import { HELP_TOPICS, commandHelp, overallHelp, topicHelp } from '../help-text'
import { usageOf } from '../invocation'

/** The command, over the list that `commands` gives when it is asked. */
export function createHelpCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'help',
    summary: 'show what there is, or how one command is used',
    positionals: ['[COMMAND]'],
    options: [],
    help: {
      about: ['Shows all commands, or one of them with its options and worked examples.'],
      examples: [
        { want: 'what there is', line: 'strictkv help' },
        { want: 'how to write a database to a file', line: 'strictkv help dump' },
        { want: 'what an exit code says', line: 'strictkv help exit-codes' },
      ],
    },
    run: async (invocation) => help(invocation, commands()),
  }
}

/** The command of that name. Throws `UsageError` with the nearest name. */
export function findCommand(commands: readonly Command[], name: string): Command {
  const command = commands.find((candidate) => candidate.name === name)
  if (command !== undefined) return command
  throw unknownWord(
    name,
    commands.map((candidate) => candidate.name),
    `Cannot run ${JSON.stringify(name)}: there is no such command`,
  )
}

function help(invocation: Invocation, commands: readonly Command[]): ExitCode {
  const { columns } = invocation.terminal
  const [word] = invocation.positionals
  const topic = HELP_TOPICS.find((candidate) => candidate === word)
  if (word === undefined) {
    answer(invocation, { commands: commands.map(summaryOf) }, overallHelp(commands, columns))
  } else if (topic !== undefined) {
    const document = topic === 'exit-codes' ? { exitCodes: EXIT_CODES } : { topic, text: topicHelp(topic, columns) }
    answer(invocation, document, topicHelp(topic, columns))
  } else {
    const command = commands.find((candidate) => candidate.name === word)
    if (command === undefined) {
      const names = [...commands.map((candidate) => candidate.name), ...HELP_TOPICS]
      throw unknownWord(word, names, `Cannot help with ${JSON.stringify(word)}: there is no such command or topic`)
    }
    answer(invocation, describeCommand(command), commandHelp(command, columns))
  }
  return EXIT_DONE
}

function summaryOf(command: Command): Json {
  return { name: command.name, summary: command.summary }
}

/** The help of a command as data. */
export function describeCommand(command: Command): Json {
  return {
    name: command.name,
    summary: command.summary,
    usage: usageOf(command),
    about: command.help.about,
    options: command.options.map(({ name, value, multiple, about }) => ({ name, value, multiple, about })),
    examples: command.help.examples.map(({ want, line }) => ({ want, line })),
  }
}

function unknownWord(word: string, known: readonly string[], sentence: string): UsageError {
  const nearest = nearestName(word, known)
  return new UsageError(`${sentence}; ${nearest === undefined ? 'see strictkv help' : `did you mean ${nearest}?`}`)
}
