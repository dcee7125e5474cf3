/** The mount that holds a path: the one whose folder is the longest on the way to it. Undefined where none does. */
export function mountOf<M extends { mount: string }>(path: string, mounts: readonly M[]): M | undefined {
  const holds = ({ mount }: M): boolean => path === mount || path.startsWith(mount === '/' ? '/' : `${mount}/`)
  return mounts.filter(holds).toSorted((a, b) => b.mount.length - a.mount.length)[0]
}
