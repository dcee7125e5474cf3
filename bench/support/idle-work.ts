import { spawn } from 'node:child_process'
import { yieldCores } from '../../scripts/testing/yield-cores.ts'

/** Counts, and looks now and then whether whoever started it is gone. */
const PROGRAM = `
  process.once('disconnect', () => process.exit())
  const work = () => {
    for (const end = Date.now() + 50; Date.now() < end; );
    setImmediate(work)
  }
  work()`

/** Processes that take what others leave of the cores, as the hostile do, and do nothing with it. Disposing of it ends them. */
export function startIdleWork(processes: number): Disposable {
  const children = Array.from({ length: processes }, () => {
    const child = spawn(process.execPath, ['-e', PROGRAM], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    if (child.pid !== undefined) yieldCores(child.pid)
    return child
  })
  return {
    [Symbol.dispose]() {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}
