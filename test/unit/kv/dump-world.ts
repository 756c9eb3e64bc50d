/** Databases for tests of dumps, each in a directory of its own; all are closed and removed at the end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { open } from '../../../src/index'
import type { Database, OpenOptions } from '../../../src/index'

/** What a test file uses. */
export interface TestDatabases {
  openDatabase(options?: OpenOptions): Promise<Database>
}

export function useTestDatabases(): TestDatabases {
  const opened: Database[] = []
  const directories: string[] = []
  afterAll(async () => {
    for (const db of opened) await db.close()
    for (const directory of directories) rmSync(directory, { recursive: true, force: true })
  })
  return {
    openDatabase: async (options = {}) => {
      const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-dump-'))
      directories.push(directory)
      const db = await open(directory, { durability: 'os', logMode: 'inline', backgroundMode: 'inline', ...options })
      opened.push(db)
      return db
    },
  }
}
