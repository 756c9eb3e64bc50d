/**
 * The help of the shell, from the table of its commands. Pure. Pinned by test/cli/shell/session.test.ts.
 */
import type { Paint } from '../paint'
import { twoColumns, wrap } from '../wrap'
import { SHELL_COMMANDS, findShellCommand } from './shell-commands'

/** Width of help, in characters: it is read in scripts and terminals alike. */
const HELP_COLUMNS = 100

/** All commands, or one of them. */
export function helpLines(name: string | undefined, { bold }: Paint): string[] {
  const spec = name === undefined ? undefined : findShellCommand(name)
  if (spec !== undefined) return [bold(spec.usage), ...wrap(`  ${spec.about}`, HELP_COLUMNS, '  ')]
  return [
    ...twoColumns(
      SHELL_COMMANDS.map(({ usage, about }) => [usage.length > 36 ? `${usage.slice(0, 33)}...` : usage, about]),
      HELP_COLUMNS,
    ),
    '',
    ...wrap(
      'NAME: COMMAND gives a command to a transaction without making it the current one; db: COMMAND to none. A command that has to wait for another transaction says so, and prints when it ends, behind its name.',
      HELP_COLUMNS,
    ),
    ...wrap(
      'Keys and values: alice, "with blanks, \\" \\\\ \\n \\t \\xHH", 0x00ff. # begins a comment. In scripts, -> LINE behind a command says what it must print.',
      HELP_COLUMNS,
    ),
  ]
}
