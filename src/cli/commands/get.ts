/** `strictkv get DIR KEY`: one value; exit code 1 where the key is not there. */
import { answer } from '../answer'
import { bytesToJson, bytesToTyped, typedToKey } from '../byte-text'
import { CommandError } from '../cli-errors'
import type { Command } from '../command'
import { EXIT_DONE, EXIT_PROBLEM } from '../exit-codes'
import { argument, flagOption } from '../invocation'
import { withDatabase } from '../open-database'

export const getCommand: Command = {
  name: 'get',
  summary: 'print the value of a key',
  positionals: ['DIR', 'KEY'],
  options: [{ name: 'raw', about: "print the value's bytes as they are, without quotes and line break" }],
  help: {
    about: ['Prints the value in quotes, escaped. Exit code 1 says that the key is not there.'],
    examples: [
      { want: 'a value to look at', line: 'strictkv get ./data alice' },
      { want: 'a picture out of the database', line: 'strictkv get ./data image/7 --raw > 7.png' },
      { want: 'a key of three bytes', line: 'strictkv get ./data 0x00ff10' },
    ],
  },
  run: async (invocation) => {
    const directory = argument(invocation, 0)
    const key = typedToKey(argument(invocation, 1), 'KEY')
    const value = await withDatabase(invocation, { directory, readOnly: true }, (db) => db.get(key))
    if (value === undefined) {
      if (!invocation.json)
        throw new CommandError(`Cannot get ${bytesToTyped(key)}: there is no such key in ${directory}`)
      answer(invocation, { key: bytesToJson(key), found: false }, [])
      return EXIT_PROBLEM
    }
    if (flagOption(invocation, 'raw') && !invocation.json) invocation.terminal.out(value)
    else answer(invocation, { key: bytesToJson(key), found: true, value: bytesToJson(value) }, [bytesToTyped(value)])
    return EXIT_DONE
  },
}
