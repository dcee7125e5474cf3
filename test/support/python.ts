import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { canInstall, findProgram, installPackages } from '../../scripts/apt.ts'

const execute = promisify(execFile)

/** Why a test of Python is left out, where {@link pythonWithHttpx} finds none. */
export const NO_PYTHON = 'no Python from 3.11 on with httpx is here, and only root on Debian may install one'

/** A Python from 3.11 on with httpx, Debian's own before others of PATH; installed where it may be; else null. */
export async function pythonWithHttpx(): Promise<string | null> {
  const found = await findPython()
  if (found !== null || !(await canInstall())) return found
  await installPackages(['python3', 'python3-httpx'], () => undefined)
  return await findPython()
}

async function findPython(): Promise<string | null> {
  for (const python of ['/usr/bin/python3', await findProgram('python3')]) {
    if (python === null) continue
    const isOne = await execute(python, ['-c', 'import sys, httpx; assert sys.version_info >= (3, 11)']).then(
      () => true,
      () => false,
    )
    if (isOne) return python
  }
  return null
}
