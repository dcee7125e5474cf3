/** Paths in a container: absolute, without `.` and `..`. */

/** An absolute path of what was typed; the root of nothing. */
export function wholePath(typed: string): string {
  const parts: string[] = []
  for (const part of typed.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** Something in a folder; `name` may itself be a path of folders. */
export function inFolder(folder: string, name: string): string {
  return wholePath(`${folder}/${name}`)
}

/** A path and all folders above it, from the root on. */
export function stepsOf(path: string): { name: string; path: string }[] {
  const parts = path.split('/').filter((part) => part !== '')
  return [{ name: '/', path: '/' }, ...parts.map((name, i) => ({ name, path: `/${parts.slice(0, i + 1).join('/')}` }))]
}
