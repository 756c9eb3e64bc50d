import { open } from 'strictkv'

export async function read(path: string): Promise<Buffer | undefined> {
  const db = await open(path)
  const value = await db.get('k')
  const first: number | undefined = value?.readUInt8(0)
  const copy: Buffer | undefined = value
  await db.close()
  return first === undefined ? undefined : copy
}
