// Builds the dashboard into gateway/dashboard/dist: `node scripts/dashboard.mjs`, which npm runs as `prepare`.
//
// Plain JavaScript, because npm may run it on the Node found on the machine. It does nothing where what is there was
// built from the same sources, and says so where the tools are missing, as after `npm ci --omit=dev`: the gateway then
// serves the API alone.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))
const dashboard = join(root, 'gateway', 'dashboard')
const dist = join(dashboard, 'dist')
const stamp = join(dist, '.sources')
/** Everything that the build reads, besides the packages. */
const sources = [
  'gateway/dashboard/index.html',
  'gateway/dashboard/src',
  'gateway/dashboard/public',
  'gateway/client',
  'gateway/contract',
  'protocol/job-defaults.ts',
  'protocol/lifecycle.ts',
  'protocol/units.ts',
  'package-lock.json',
  'scripts/dashboard.mjs',
]

function digestOfSources() {
  const hash = createHash('sha256')
  for (const source of sources) {
    const names = statSync(join(root, source)).isFile() ? [''] : readdirSync(join(root, source), { recursive: true })
    for (const name of names.sort()) {
      const path = join(root, source, name)
      if (statSync(path).isFile()) hash.update(`${source}/${name}\0`).update(readFileSync(path))
    }
  }
  return hash.digest('hex')
}

/** @param {string} path */
function textOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // not built yet
  }
}

async function loadVite() {
  try {
    return await import('vite')
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
    return null
  }
}

/** What is worth it lies beside the file as `.gz`, so that nothing is compressed while somebody waits. @param {string} path */
function compress(path) {
  const text = readFileSync(path)
  const packed = gzipSync(text, { level: 9 })
  if (packed.length < text.length * 0.9) writeFileSync(`${path}.gz`, packed)
}

/**
 * Names the code of all pages, which the first one has browsers fetch when they have nothing else to do
 * (`app/fetch-later.ts`). What of it `index.html` loads itself is left out.
 */
const later = {
  name: 'cortex-later',
  transformIndexHtml: {
    order: /** @type {const} */ ('post'),
    /** @param {string} html @param {import('vite').IndexHtmlTransformContext} context */
    handler: (html, { bundle = {} }) =>
      Object.keys(bundle)
        .filter((name) => /\.(?:js|css)$/.test(name) && !html.includes(name))
        .sort()
        .map((name) => ({
          tag: 'link',
          attrs: { rel: 'later', href: `/${name}` },
          injectTo: /** @type {const} */ ('head'),
        })),
  },
}

const digest = digestOfSources()
if (textOf(stamp) !== digest) {
  const vite = await loadVite()
  if (vite === null) {
    process.stderr.write(
      'The dashboard is not built: its tools are not installed. `npm ci --include=dev` brings them.\n',
    )
  } else {
    rmSync(dist, { recursive: true, force: true })
    await vite.build({
      configFile: false,
      root: dashboard,
      logLevel: 'error',
      // What reads an output's tar asks for Node's module of this name; the package is the same for browsers.
      resolve: { alias: { events: join(root, 'node_modules', 'events', 'events.js') } },
      plugins: [later],
      build: {
        outDir: dist,
        emptyOutDir: true,
        target: 'es2023',
        // Data URLs would need an exception in the content security policy.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
        manifest: true,
      },
      worker: { format: 'es' },
    })
    for (const name of readdirSync(dist, { recursive: true })) {
      if (/\.(?:js|css|html|svg)$/.test(name)) compress(join(dist, name))
    }
    writeFileSync(stamp, digest)
  }
}
