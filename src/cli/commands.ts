/** The commands of `strictkv`, in the order in which the help shows them. */
import type { Command } from './command'
import { checkpointCommand } from './commands/checkpoint'
import { compactCommand } from './commands/compact'
import { demoCommand } from './commands/demo'
import { dumpCommand } from './commands/dump'
import { createHelpCommand } from './commands/help'
import { historyCommand } from './commands/history'
import { inspectCommand } from './commands/inspect'
import { loadCommand } from './commands/load'
import { restoreCommand } from './commands/restore'
import { shellCommand } from './commands/shell'
import { statsCommand } from './commands/stats'
import { upgradeCommand } from './commands/upgrade'
import { versionCommand } from './commands/version'

export const COMMANDS: readonly Command[] = [
  demoCommand,
  dumpCommand,
  loadCommand,
  restoreCommand,
  checkpointCommand,
  compactCommand,
  shellCommand,
  statsCommand,
  inspectCommand,
  historyCommand,
  upgradeCommand,
  createHelpCommand(() => COMMANDS),
  versionCommand,
]
