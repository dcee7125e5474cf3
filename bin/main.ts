import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { CliError, MARKET_FAILED } from '../node/commands/cli-error.ts'
import { say } from '../node/commands/print.ts'
import { giveTerminalSize, watchOutput } from '../node/commands/stopping.ts'
import { userFolders } from '../node/commands/user-folders.ts'
import { systemProblem } from '../node/system-problem.ts'
import { boundYoungGeneration } from '../node/young-generation.ts'

// What one run compiled, the next ones read; in a folder of the user's own, because what lies there is run. Nothing is
// said where it cannot be written.
enableCompileCache(join(userFolders().cache, 'compiled'))

boundYoungGeneration()
watchOutput()
giveTerminalSize()

/** Exit code where the program, not what it ran, is at fault. */
let failed = 1
try {
  const { createProgram } = await import('./program.ts')
  const program = await createProgram(process.argv.slice(2), () => (failed = MARKET_FAILED))
  await program.parseAsync(process.argv)
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 1 ? failed : error.exitCode
  else if (error instanceof Error) {
    // What the system itself says names no remedy; ours do.
    const isOfSystem = 'syscall' in error && 'errno' in error
    say(`cortex: ${(isOfSystem ? systemProblem(error) : null) ?? error.message}`)
    if (process.env.CORTEX_LOG_LEVEL === 'debug') say(...(error.stack?.split('\n') ?? []))
    process.exitCode = error instanceof CliError && error.exitCode !== 1 ? error.exitCode : failed
  } else throw error
}
