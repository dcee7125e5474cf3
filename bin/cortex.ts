#!/usr/bin/env node
import { CommanderError } from 'commander'
import { CliError } from '../node/commands/cli-error.ts'
import { createProgram } from './program.ts'

try {
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
