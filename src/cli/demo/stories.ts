/**
 * The stories of the demo: four schedules in which every transaction is right by itself, and the result is wrong all the same.
 *
 * Each is data: who is on stage, what each of them does, in which order, and what must be true in the end.
 * Pinned by test/cli/demo.test.ts.
 */
import type { Database, Transaction } from '../../index'
import type { Actor, Seen, Story } from './stage'

// ---------------------------------------------------------------------------------------------------------------------
// The actors. Each would be right if it were alone.

/** Goes off call, if the other one is on call too. */
function doctor(name: string): Actor {
  const read = async (tx: Transaction, seen: Seen): Promise<string> => {
    for (const key of ['alice', 'bob']) seen.set(key, String(await tx.get(key)))
    return `reads alice=${seen.get('alice')!}, bob=${seen.get('bob')!}`
  }
  const leave = async (tx: Transaction, seen: Seen): Promise<string> => {
    if (seen.get('alice') !== 'on' || seen.get('bob') !== 'on') return 'stays: the other one is off already'
    tx.put(name, 'off')
    return `writes ${name}=off`
  }
  return { name, steps: [read, leave] }
}

/** Books a room in the morning, if nobody has. */
function booker(name: string, time: string): Actor {
  const look = async (tx: Transaction, seen: Seen): Promise<string> => {
    seen.set('taken', String(await tx.count({ prefix: 'room/' })))
    return `counts ${seen.get('taken')!} bookings`
  }
  const book = async (tx: Transaction, seen: Seen): Promise<string> => {
    if (seen.get('taken') !== '0') return 'looks for another room'
    tx.put(`room/${time}`, name)
    return `books the room for ${time}`
  }
  return { name, steps: [look, book] }
}

const readAccounts = async (tx: Transaction, seen: Seen): Promise<string> => {
  for (const key of ['checking', 'savings']) seen.set(key, String(await tx.get(key)))
  return `reads checking=${seen.get('checking')!}, savings=${seen.get('savings')!}`
}

/** Takes 10 from checking; if that overdraws both accounts together, there is a fee of 1. */
const withdrawal: Actor = {
  name: 'withdrawal',
  steps: [
    readAccounts,
    async (tx: Transaction, seen: Seen): Promise<string> => {
      const left = Number(seen.get('checking')) - 10
      const charged = left + Number(seen.get('savings')) < 0 ? left - 1 : left
      tx.put('checking', String(charged))
      return `writes checking=${charged}${charged < left ? ' (fee)' : ''}`
    },
  ],
}
const deposit: Actor = {
  name: 'deposit',
  steps: [async (tx: Transaction): Promise<string> => (tx.put('savings', '20'), 'writes savings=20')],
}
const report: Actor = { name: 'report', readOnly: true, steps: [readAccounts] }

// ---------------------------------------------------------------------------------------------------------------------
// The stories.

const oneOnCall = async (db: Database): Promise<boolean> => (await db.getMany(['alice', 'bob'])).some((state) => String(state) === 'on') // prettier-ignore
const doctors = {
  before: new Map([
    ['alice', 'on'],
    ['bob', 'on'],
  ]),
  actors: [doctor('alice'), doctor('bob')],
  rule: 'somebody is on call',
  holds: oneOnCall,
}
export const STORIES: readonly Story[] = [
  { title: 'Write skew', moral: 'both look, both see the other one, both leave', ...doctors, order: '01010101' },
  { title: 'The late read', moral: 'bob has committed before alice so much as looks', ...doctors, order: '01111000' },
  {
    title: 'The read-only anomaly',
    moral: 'the report only reads, and is what makes it wrong: it shows the deposit, and no withdrawal before it',
    before: new Map([
      ['checking', '0'],
      ['savings', '0'],
    ]),
    actors: [withdrawal, deposit, report],
    order: '0011122200',
    rule: 'who showed the deposit before the withdrawal charges no fee',
    holds: async (db: Database, [, , shown]: readonly Seen[]): Promise<boolean> => {
      const reported = shown?.get('savings') === '20' && shown.get('checking') === '0'
      return !(reported && String(await db.get('checking')) === '-11')
    },
  },
  {
    title: 'The phantom',
    moral: 'neither writes what the other has read: there was nothing there to read',
    before: new Map(),
    actors: [booker('ann', '9:00'), booker('ben', '9:30')],
    order: '01010101',
    rule: 'the room is booked once',
    holds: async (db: Database): Promise<boolean> => (await db.count({ prefix: 'room/' })) === 1,
  },
]
