// Every configuration that `npm run specs` can run; scripts/specs/model.mjs says what the fields mean.
import { mvcc } from './mvcc.mjs'
import { ssiBugs } from './ssi-bugs.mjs'
import { ssi } from './ssi.mjs'

export const configurations = [...mvcc, ...ssi, ...ssiBugs]
