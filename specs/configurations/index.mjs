// Every configuration that `npm run specs` can run; scripts/specs/model.mjs says what the fields mean.
import { compaction } from './compaction.mjs'
import { manifestFlush } from './manifest-flush.mjs'
import { mvcc } from './mvcc.mjs'
import { ssiBugs } from './ssi-bugs.mjs'
import { ssi } from './ssi.mjs'
import { storage } from './storage.mjs'
import { walCommit } from './wal-commit.mjs'

export const configurations = [...mvcc, ...ssi, ...ssiBugs, ...walCommit, ...manifestFlush, ...compaction, ...storage]
