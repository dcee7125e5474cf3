/** The process in which an agent measures its machine: `run.ts FOLDER SECONDS` prints what `program.ts` finds. */

import { measure } from './program.ts'

const [folder = '.', seconds = '3'] = process.argv.slice(2)
process.stdout.write(`${JSON.stringify(await measure({ folder, seconds: Number(seconds) }))}\n`)
