// Every configuration that `npm run specs` can run; scripts/specs/model.mjs says what the fields mean.
import { ssi } from './ssi.mjs'
import { ssiBugs } from './ssi-bugs.mjs'

export const configurations = [...ssi, ...ssiBugs]
