/** Loaded with `--import` in front of the program: writes the URLs of all modules it loaded to the file `LOADED_MODULES`, as it ends. */

import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const { LOADED_MODULES } = process.env
const urls = new Set<string>()
registerHooks({
  load(url, context, next) {
    urls.add(url)
    return next(url, context)
  },
})
process.on('exit', () => {
  // Not of what the program starts.
  const isProgram = process.argv[1]?.endsWith('/bin/cortex.ts') === true
  if (LOADED_MODULES !== undefined && isProgram) writeFileSync(LOADED_MODULES, [...urls].join('\n'))
})
