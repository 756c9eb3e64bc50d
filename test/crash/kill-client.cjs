// The process that is killed: opens a database, commits from many concurrent clients, and says each acknowledged commit at
// once on its standard output, by a synchronous write, so that nothing it knows dies with it.
//
//   S                            about to open
//   O <sequence>                 open; the last sequence that recovery found
//   A <client> <kind> <n> <seq>  acknowledged: the n-th commit of this kind by this client (of all clients for kind c)
//   C                            about to close (where the plan says so), then the end
//   E <text>                     an error that nothing here expects
//
// Kinds:  c  counter: getForUpdate, add one, put log/<n>               o  own: put own/<client>/<n>, blind
//         p  pair: six keys far apart, all to version n                w  window: put one key, delete the one four before;
//                                                                         every sixteenth deletes the whole range first
// kill-model.ts knows the same keys, and what must be there afterwards. Usage: node kill-client.cjs '<plan as JSON>'.
'use strict'
const fs = require('node:fs')

const plan = JSON.parse(process.argv[2])
const { open } = require(plan.library)

const pause = new Int32Array(new SharedArrayBuffer(4))

/** Says one line before it returns. A reader that a busy machine holds up leaves the pipe full: then it waits for room. */
function say(text) {
  let bytes = Buffer.from(`${text}\n`)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(1, bytes))
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
      Atomics.wait(pause, 0, 0, 1)
    }
  }
}

const number = (n) => String(n).padStart(10, '0')
const clientName = (client) => String(client).padStart(3, '0')
const PAIR_KEYS = ['a', 'g', 'm', 'q', 'u', 'z']

/** xorshift32: what each client does is the seed's choice; how clients interleave is the machine's. */
function randomOf(seed) {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  return (bound) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % bound
  }
}

async function newest(db, prefix) {
  for await (const key of db.keys({ prefix, reverse: true, limit: 1 }))
    return Number(key.toString().slice(prefix.length))
  return 0
}

async function countersOf(db, client) {
  const name = clientName(client)
  return {
    o: await newest(db, `own/${name}/`),
    p: Number((await db.get(`a/pair/${name}`))?.toString() ?? '0'),
    w: await newest(db, `window/${name}/`),
  }
}

const bodies = {
  async c(tx, state, filler) {
    const n = Number((await tx.getForUpdate('counter'))?.toString() ?? '0') + 1
    tx.put('counter', String(n))
    tx.put(`log/${number(n)}`, `${state.name} ${n} ${state.o} ${filler}`)
    return n
  },
  o(tx, state, filler) {
    const n = state.o + 1
    tx.put(`own/${state.name}/${number(n)}`, `${n} ${filler}`)
    return n
  },
  p(tx, state) {
    const n = state.p + 1
    for (const letter of PAIR_KEYS) tx.put(`${letter}/pair/${state.name}`, String(n))
    return n
  },
  w(tx, state, filler) {
    const n = state.w + 1
    const key = (k) => `window/${state.name}/${number(k)}`
    if (n % 16 === 0) tx.deleteRange({ gte: key(0), lt: key(n) })
    else if (n > 4) tx.delete(key(n - 4))
    tx.put(key(n), `${n} ${filler}`)
    return n
  },
}

let isClosing = false
let acknowledged = 0
let startClosing
const closing = new Promise((resolve) => (startClosing = resolve))

/** By hand, not with `transact`: the receipt has the sequence. */
async function commitOnce(db, { kind, state, durability, filler }) {
  for (;;) {
    const tx = db.begin({ durability })
    try {
      const n = await bodies[kind](tx, state, filler)
      return { n, sequence: (await tx.commit()).sequence }
    } catch (error) {
      if (error.retryable !== true) throw error
    } finally {
      tx.rollback()
    }
  }
}

async function commitUntilClosing(db, client) {
  const random = randomOf(plan.seed * 1000 + client * 7919 + 1)
  const state = { name: clientName(client), ...(await countersOf(db, client)) }
  while (!isClosing) {
    const kind = 'ccoopw'[random(6)]
    const durability = random(10) < plan.osTenths ? 'os' : 'sync'
    const { n, sequence } = await commitOnce(db, {
      kind,
      state,
      durability,
      filler: 'x'.repeat(random(plan.fillerBytes)),
    })
    if (kind !== 'c') state[kind] = n
    say(`A ${client} ${kind} ${n} ${sequence}`)
    if (++acknowledged === plan.closeAfter) startClosing()
  }
}

async function main() {
  say('S')
  const db = await open(plan.directory, plan.options)
  const found = db.begin({ readOnly: true })
  say(`O ${(await found.commit()).sequence}`)
  const clients = Array.from({ length: plan.clients }, (_, client) => commitUntilClosing(db, client))
  for (const client of clients) client.catch(fail)
  await closing
  isClosing = true
  await Promise.all(clients)
  say('C')
  await db.close()
}

function fail(error) {
  say(`E ${String(error?.stack ?? error).replaceAll('\n', ' | ')}`)
  process.exit(1)
}

main().catch(fail)
