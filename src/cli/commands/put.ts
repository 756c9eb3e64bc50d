/** `strictkv put DIR KEY VALUE`: writes one key; on disk when the command ends. */
import { LIMITS } from '../../base/limits'
import { answer } from '../answer'
import { bytesToJson, bytesToTyped, typedToKey, typedToValue } from '../byte-text'
import { UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { argument, flagOption } from '../invocation'
import { withDatabase } from '../open-database'
import { openInput } from '../streams'

export const putCommand: Command = {
  name: 'put',
  summary: 'write one key',
  positionals: ['DIR', 'KEY', 'VALUE'],
  options: [{ name: 'create', about: 'make the database if there is none in DIR' }],
  help: {
    about: [
      'Writes the value, over one that is there. The write is on disk when the command ends. A VALUE of - is read from standard input, byte for byte.',
    ],
    examples: [
      { want: 'a new database with one key', line: 'strictkv put ./data alice on --create' },
      { want: 'a file as a value', line: 'strictkv put ./data image/7 - < 7.png' },
      { want: 'bytes that cannot be typed', line: 'strictkv put ./data 0x00ff10 \'"a\\nb"\'' },
    ],
  },
  run: async (invocation) => {
    const directory = argument(invocation, 0)
    const key = typedToKey(argument(invocation, 1), 'KEY')
    const typed = argument(invocation, 2)
    const value = typed === '-' ? await readValue(invocation) : typedToValue(typed, 'VALUE')
    const create = flagOption(invocation, 'create')
    const { sequence } = await withDatabase(invocation, { directory, create, missing: '--create makes one' }, (db) =>
      db.put(key, value),
    )
    answer(invocation, { key: bytesToJson(key), bytes: value.length, sequence }, [
      `put ${bytesToTyped(key)} as commit ${sequence}`,
    ])
    return EXIT_DONE
  },
}

/** All of standard input, as far as it can be a value. */
async function readValue(invocation: Invocation): Promise<Buffer> {
  const bytesMax = LIMITS.valueBytesMax.max
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of openInput(invocation.terminal, '-').chunks) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new UsageError(`Cannot use standard input as VALUE: it has more than ${bytesMax} bytes`)
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}
