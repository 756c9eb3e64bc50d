/** The commands of `strictkv`, in the order in which the help shows them. */
import type { Command } from './command'
import { createHelpCommand } from './commands/help'
import { versionCommand } from './commands/version'

export const COMMANDS: readonly Command[] = [createHelpCommand(() => COMMANDS), versionCommand]
