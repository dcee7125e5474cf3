#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { CliError } from '../node/commands/cli-error.ts'
import { userFolders } from '../node/commands/user-folders.ts'

// What one run compiled, the next ones read; in a folder of the user's own, because what lies there is run. Nothing is
// said where it cannot be written.
enableCompileCache(join(userFolders().cache, 'compiled'))

try {
  const { createProgram } = await import('./program.ts')
  const program = await createProgram(process.argv.slice(2))
  await program.parseAsync(process.argv)
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode
  else if (error instanceof Error) {
    process.stderr.write(`cortex: ${error.message}\n`)
    if (process.env.CORTEX_LOG_LEVEL === 'debug') process.stderr.write(`${error.stack}\n`)
    process.exitCode = error instanceof CliError ? error.exitCode : 1
  } else throw error
}
