import type { client } from '../app/client.ts'

/** Where files are looked through: a running container, or a volume. */
export interface FilesPlace {
  /** In the cache. */
  key: readonly string[]
  /** Of the API: files are read and written there, with their `path`. */
  address: string
  /** What it is called, e.g. `the container`. */
  what: string
  list(path: string, options: Parameters<typeof client.jobs.files.list>[2]): ReturnType<typeof client.jobs.files.list>
}
