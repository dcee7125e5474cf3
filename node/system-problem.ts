/** What the operating system refuses, for people: what it means, and what to do about it. The one place for such words. */

/** Of files, and of everything that is not said below. */
const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not: choose another place, or change whose it is',
  EPERM: 'this user may not: choose another place, or change whose it is',
  EROFS: 'it is on a file system that is read-only: choose another place',
  ENOSPC: 'the disk is full: make room, or choose another place',
  EDQUOT: 'the quota of this user is used up: make room, or choose another place',
  ENOTDIR: 'a part of this path is a file: choose another place',
  EISDIR: 'it is a folder: name a file',
  ENOENT: 'there is no such place, and it cannot be made: check the path',
  EMFILE: 'this process has too many files open: raise its limit (ulimit -n)',
}

const OWN_ADDRESS = 'choose one of its own, 127.0.0.1 or 0.0.0.0'

/** Of listening: what is wrong, whether with the port or the address, and the remedy, to which `with --flag` can be added. */
const LISTENING: Readonly<Record<string, [what: string, about: 'port' | 'address', remedy: string]>> = {
  EADDRINUSE: ['another program listens there', 'port', 'end it, or choose another port'],
  EACCES: ['this user may not use that port', 'port', 'choose one above 1023'],
  EADDRNOTAVAIL: ['this machine has no such address', 'address', OWN_ADDRESS],
  EAFNOSUPPORT: ['this machine has no addresses of that kind', 'address', OWN_ADDRESS],
  ENOTFOUND: ['there is no such name', 'address', 'choose an address of this machine, 127.0.0.1 or 0.0.0.0'],
  EAI_AGAIN: ['no name server answers', 'address', 'choose an address of this machine, 127.0.0.1 or 0.0.0.0'],
}

/** Of reaching another machine. */
const CONNECTING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'no name server answers',
  EHOSTUNREACH: 'it is not reached',
  ENETUNREACH: 'it is not reached',
  ETIMEDOUT: 'it is not reached',
}

/** What is added to a remedy: which flag changes the port, and which the address, e.g. ` with --port`. */
export interface ListenFlags {
  port: string
  address: string
}

/**
 * What a listening that failed with this code means; null where nothing is known of it.
 * @returns e.g. `another program listens there: end it, or choose another port with --port`
 */
export function listenProblem(code: string | undefined, flags: ListenFlags = { port: '', address: '' }): string | null {
  const found = code === undefined ? undefined : LISTENING[code]
  if (found === undefined) return null
  const [what, about, remedy] = found
  return `${what}: ${remedy}${flags[about]}`
}

/** What is wrong with the way to another machine, by a code that stands somewhere in a text; null where none does. */
export function connectProblem(text: string): string | null {
  const [code] = Object.keys(CONNECTING).filter((one) => text.includes(one))
  return code === undefined ? null : (CONNECTING[code] ?? null)
}

/** Whether the disk, or what one user may have of it, took no more. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/**
 * One sentence for an error of the operating system, wherever in the causes it is; null where there is none.
 *
 * @returns e.g. `mkdir /srv/x: this user may not: … (EACCES)`
 */
export function systemProblem(error: unknown): string | null {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code, syscall, path, address } = one as NodeJS.ErrnoException & { address?: string }
    const what = [syscall, path ?? address].filter((part) => part !== undefined).join(' ')
    const known = meaningOf(one, code, syscall)
    if (known !== null) return `${what === '' ? '' : `${what}: `}${known.text} (${known.code})`
  }
  return null
}

function meaningOf(error: Error, code: string | undefined, syscall: string | undefined) {
  if (code !== undefined) {
    const text = syscall === 'listen' || syscall === 'bind' ? listenProblem(code) : null
    const meaning = text ?? MEANINGS[code]
    if (meaning !== undefined) return { code, text: meaning }
  }
  // LevelDB tells of a full disk in words alone.
  return /No space left/.test(error.message) ? { code: 'ENOSPC', text: MEANINGS.ENOSPC } : null
}
