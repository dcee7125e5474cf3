import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where the build puts the dashboard; in the published package as well. */
export const DASHBOARD_FOLDER = fileURLToPath(new URL('../dashboard/dist/', import.meta.url))
/** Likewise the documentation. */
export const DOCS_FOLDER = fileURLToPath(new URL('../docs/dist/', import.meta.url))

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.webp': 'image/webp',
  '.py': 'text/plain; charset=utf-8',
  '.go': 'text/plain; charset=utf-8',
  '.sh': 'text/plain; charset=utf-8',
  '.mjs': 'text/plain; charset=utf-8',
}

/** One file of the built dashboard or documentation, in memory. */
export interface DashboardFile {
  /** Its `Content-Type`. */
  type: string
  body: Uint8Array<ArrayBuffer>
  /** The same, compressed; null where that saves nothing. */
  gzip: Uint8Array<ArrayBuffer> | null
  /** Of its content, in quotes. */
  etag: string
  /** Whether its name holds a digest of its content, so that it can be kept for good. */
  isImmutable: boolean
}

/** The built dashboard by path, `/index.html` among them; empty where it was not built. */
export type DashboardFiles = ReadonlyMap<string, DashboardFile>

/** The files of a build, read at the first request, and again as long as there are none: it may be built while this runs. */
export function onceBuilt(folder: string): () => Promise<DashboardFiles> {
  let files: Promise<DashboardFiles> | undefined
  return async () => {
    files ??= readDashboardFiles(folder)
    const loaded = await files
    if (loaded.size === 0) files = undefined
    return loaded
  }
}

/** Reads the whole build, about two megabytes: what is asked for is then looked up, and never a path on the disk. */
async function readDashboardFiles(folder: string): Promise<DashboardFiles> {
  const files = new Map<string, DashboardFile>()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []) // not built
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const body = Uint8Array.from(await readFile(path))
    const packed = await readFile(`${path}.gz`).catch(() => null) // small ones have none
    const at = `/${path.slice(folder.length).replaceAll('\\', '/').replace(/^\//, '')}`
    const digest = await crypto.subtle.digest('SHA-256', body)
    files.set(at, {
      type,
      body,
      gzip: packed === null ? null : Uint8Array.from(packed),
      etag: `"${Buffer.from(digest).toString('base64url').slice(0, 22)}"`,
      isImmutable: at.startsWith('/assets/'),
    })
  }
  return files
}
