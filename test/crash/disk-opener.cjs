// Opens a database in a process of its own and says what came of it, as JSON on one line; then waits for its standard input
// to end before it closes. Usage: node disk-opener.cjs <library> <directory> '<options as JSON>' [key to put]
'use strict'
const fs = require('node:fs')

const [library, directory, options, key] = process.argv.slice(2)
const { open, StrictKvError } = require(library)
const say = (what) => fs.writeSync(1, `${JSON.stringify(what)}\n`)
const telling = (error) => ({
  name: error.name,
  code: error.code,
  message: error.message,
  isTyped: error instanceof StrictKvError,
})

async function main() {
  const db = await open(directory, JSON.parse(options))
  const rows = await db.count()
  const put = key === undefined ? undefined : await db.put(key, 'v').then(() => 'done', telling)
  say({ opened: true, rows, put })
  for await (const _ of process.stdin);
  await db.close()
}

main().catch((error) => say(telling(error)))
