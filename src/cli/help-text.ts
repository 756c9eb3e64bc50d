/**
 * The text of the help: of everything, of one command, and of the topics that no command is about.
 *
 * Pure: commands in, lines out. It teaches by example, so every command must bring some.
 * Pinned by test/cli/help.test.ts.
 */
import type { Command, CommandOption } from './command'
import { EXIT_CODES } from './exit-codes'
import { COMMON_OPTIONS, usageOf } from './invocation'
import { twoColumns, wrap } from './wrap'

/** What `strictkv help WORD` explains beside the commands. */
export const HELP_TOPICS = ['exit-codes', 'bytes'] as const
export type HelpTopic = (typeof HELP_TOPICS)[number]

/** The overall help. */
export function overallHelp(commands: readonly Command[], columns: number): string[] {
  return [
    'strictkv: look after a StrictKV database from the command line',
    '',
    'Usage: strictkv COMMAND [arguments] [options]',
    '',
    'Commands:',
    ...twoColumns(
      commands.map((command) => [command.name, command.summary]),
      columns,
    ),
    '',
    'Topics:',
    ...twoColumns(
      [
        ['exit-codes', 'what the exit code of a command says'],
        ['bytes', 'how keys and values are typed and printed'],
      ],
      columns,
    ),
    '',
    ...wrap(
      'Every command takes --json, and --help, which shows examples. "strictkv help COMMAND" does, too.',
      columns,
    ),
    '',
    'For a start:',
    '  strictkv demo                         see two transactions that must not both commit',
    '  strictkv put ./data alice on --create make a database and write into it',
    '  strictkv scan ./data                  read it',
  ]
}

/** The help of one command. */
export function commandHelp(command: Command, columns: number): string[] {
  return [
    ...wrap(`strictkv ${command.name}: ${command.summary}`, columns),
    '',
    `Usage: ${usageOf(command)}`,
    ...command.help.about.flatMap((paragraph) => ['', ...wrap(paragraph, columns)]),
    '',
    'Options:',
    ...twoColumns(
      [...command.options, ...COMMON_OPTIONS].map((option) => [optionForm(option), option.about]),
      columns,
    ),
    '',
    'Examples:',
    ...command.help.examples.flatMap((example) => [`  # ${example.want}`, `  ${example.line}`]),
  ]
}

/** The help of a topic. */
export function topicHelp(topic: HelpTopic, columns: number): string[] {
  return topic === 'exit-codes' ? exitCodesHelp(columns) : bytesHelp(columns)
}

function exitCodesHelp(columns: number): string[] {
  return [
    'Exit codes:',
    ...twoColumns(
      EXIT_CODES.map(({ code, meaning }) => [String(code), meaning]),
      columns,
    ),
    '',
    ...wrap('What went wrong is one sentence on standard error. STRICTKV_DEBUG=1 adds where in the code.', columns),
    ...wrap('Under --json it is also the answer: {"error":{"code":"...","message":"..."}}.', columns),
  ]
}

function bytesHelp(columns: number): string[] {
  return [
    'Keys and values are bytes. Where one is typed:',
    ...twoColumns(
      [
        ['alice', 'the UTF-8 bytes of what is typed'],
        ['0x00ff', 'bytes in hexadecimal, two digits each'],
        ['"a\\n\\x00"', 'in double quotes, with \\" \\\\ \\n \\t and \\xHH for one byte (in a shell: \'"a\\n\\x00"\')'],
        ['""', 'no bytes: the empty key, or an empty value'],
      ],
      columns,
    ),
    '',
    ...wrap(
      'Where one is printed: in double quotes, printable ASCII as it is, everything else escaped. What is printed can be typed again.',
      columns,
    ),
    ...wrap(
      'In JSON: {"text":"..."} where the bytes are valid UTF-8 without control characters, else {"hex":"..."}.',
      columns,
    ),
    ...wrap('A word that begins with a dash and is no option stands behind --: strictkv get data -- -5', columns),
  ]
}

function optionForm(option: CommandOption): string {
  const short = option.short === undefined ? '' : `-${option.short}, `
  const value = option.value === undefined ? '' : `=${option.value}`
  return `${short}--${option.name}${value}`
}
