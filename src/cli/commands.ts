/** The commands of `strictkv`, in the order in which the help shows them. */
import type { Command } from './command'
import { benchCommand } from './commands/bench'
import { checkpointCommand } from './commands/checkpoint'
import { compactCommand } from './commands/compact'
import { deleteCommand } from './commands/delete'
import { demoCommand } from './commands/demo'
import { dumpCommand } from './commands/dump'
import { getCommand } from './commands/get'
import { createHelpCommand } from './commands/help'
import { historyCommand } from './commands/history'
import { inspectCommand } from './commands/inspect'
import { loadCommand } from './commands/load'
import { putCommand } from './commands/put'
import { restoreCommand } from './commands/restore'
import { salvageCommand } from './commands/salvage'
import { scanCommand } from './commands/scan'
import { shellCommand } from './commands/shell'
import { statsCommand } from './commands/stats'
import { upgradeCommand } from './commands/upgrade'
import { verifyCommand } from './commands/verify'
import { versionCommand } from './commands/version'

export const COMMANDS: readonly Command[] = [
  demoCommand,
  benchCommand,
  getCommand,
  putCommand,
  deleteCommand,
  scanCommand,
  dumpCommand,
  loadCommand,
  restoreCommand,
  checkpointCommand,
  compactCommand,
  shellCommand,
  verifyCommand,
  salvageCommand,
  statsCommand,
  inspectCommand,
  historyCommand,
  upgradeCommand,
  createHelpCommand(() => COMMANDS),
  versionCommand,
]
