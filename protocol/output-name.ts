/** What outputs are called; apart from their schema, which commands load only when they need it. */

/** What the entries of a container's path are called in its archive: its last part. */
export function rootOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** What an output is called that was given no name: one that may be one, of any path. */
export function outputNameOf(path: string): string {
  const name = rootOf(path)
    .replaceAll(/[^a-zA-Z0-9_.-]/gu, '-')
    .replace(/^[^a-zA-Z0-9]+/, '')
    .slice(0, 63)
  return name === '' ? 'output' : name
}
