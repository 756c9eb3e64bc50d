/** `strictkv version`, which is also what `--version` shows: the version of the package, and where it runs. */
import { arch, platform } from 'node:os'
import { answer } from '../answer'
import type { Command } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { packageVersion } from '../package-version'

export const versionCommand: Command = {
  name: 'version',
  summary: 'show the version',
  positionals: [],
  options: [],
  help: {
    about: [
      'Shows the version of this package, of Node and of the system: what a report of a problem should begin with.',
    ],
    examples: [
      { want: 'the version', line: 'strictkv --version' },
      { want: 'the same for a program', line: 'strictkv version --json' },
    ],
  },
  run: async (invocation) => {
    const version = packageVersion()
    const { nodeVersion } = invocation.terminal
    answer(invocation, { strictkv: version, node: nodeVersion, platform: platform(), arch: arch() }, [
      `strictkv ${version} (node ${nodeVersion}, ${platform()} ${arch()})`,
    ])
    return EXIT_DONE
  },
}
