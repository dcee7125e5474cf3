import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError } from '../../node/commands/cli-error.ts'
import { userFolders } from '../../node/commands/user-folders.ts'

/** What `cortex login` keeps. */
export interface Login {
  gateway: string
  key: string
}

/** @throws {CliError} where the file is damaged */
export async function readLogin(): Promise<Login | null> {
  try {
    const { gateway, key } = JSON.parse(await readFile(loginFile(), 'utf8'))
    if (typeof gateway !== 'string' || typeof key !== 'string') throw new TypeError('not what login writes')
    return { gateway, key }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw new CliError(`${loginFile()} cannot be read: 'cortex login' writes it anew`, 1, { cause })
  }
}

/** Only its owner may read it. Answers where it is. */
export async function writeLogin(login: Login): Promise<string> {
  const path = loginFile()
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await rm(path, { force: true }) // A file that is there keeps its mode.
  await writeFile(path, `${JSON.stringify(login)}\n`, { mode: 0o600 })
  return path
}

/** No error where there is none. */
export async function removeLogin(): Promise<void> {
  await rm(loginFile(), { force: true })
}

function loginFile(): string {
  return join(userFolders().config, 'login.json')
}
