/**
 * The entry of the program `strictkv`, built to dist/cli.js: runs `main` in this process and exits.
 *
 * It exits rather than waiting for the event loop to run dry: after Ctrl-C a merge may still be at work that nobody waits for.
 */
import { main } from './main'
import { createProcessTerminal } from './process-terminal'

const terminal = createProcessTerminal()
void main(process.argv.slice(2), terminal).then(async (code) => {
  await terminal.drained()
  process.exit(code)
})
