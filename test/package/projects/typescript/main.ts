import { open, SerializationError } from 'strictkv'
import type { Database, Transaction } from 'strictkv'

async function leave(db: Database, who: string): Promise<number> {
  return db.transact(async (tx: Transaction) => {
    const a = await tx.get('alice')
    const text: string = a?.toString() ?? ''
    const hex: string | undefined = a?.toString('hex')
    const plain: Uint8Array | undefined = a
    if (text === 'on' && plain !== undefined) tx.put(who, new Uint8Array([111, 102, 102]))
    return hex?.length ?? 0
  })
}

async function main(): Promise<void> {
  await using db = await open('./data')
  await db.put('alice', 'on')
  await leave(db, 'alice')
  const rows: string[] = []
  for await (const [key, value] of db.scan({ gte: 'a', limit: 10 })) rows.push(`${key.toString()}=${value.toString()}`)
  const tx = db.begin({ label: 'by hand' })
  try {
    tx.put('k', 'v')
    const receipt = await tx.commit()
    const sequence: number = receipt.sequence
    if (sequence < 1) throw new Error('a commit has a sequence')
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
    const kinds: ('rw' | 'ww' | 'real-time')[] = error.report.cycle.map((edge) => edge.kind)
    rows.push(...kinds)
  } finally {
    tx.rollback()
  }
  // @ts-expect-error -- a number is no key: were `Database` to come out as `any`, this line would not compile.
  await db.get(7).catch(() => undefined)
  declareNothing(rows)
}

function declareNothing(rows: string[]): void {
  if (rows.join() !== 'alice=off') throw new Error(`unexpected rows: ${rows.join()}`)
}

void main()
