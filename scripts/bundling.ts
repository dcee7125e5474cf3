/** Makes a few files of a program's modules and those of its packages: for people (`bundle.ts`), and for tests. */
import { relative } from 'node:path'
import { type RolldownOutput, type RolldownPlugin, rolldown } from 'rolldown'

/** Those with native parts, that find files beside themselves or load by name; and what is used too seldom to be tried here. */
const OUTSIDE = [
  ...[
    'classic-level',
    'dockerode',
    'fs-native-extensions',
    'pino',
    'ssh2',
    'swagger-ui-dist',
    'systeminformation',
    'ws',
  ],
  ...['acme-client', 'age-encryption', '@opentelemetry/exporter-trace-otlp-http', '@opentelemetry/resources'],
  ...['@libp2p/upnp-nat', '@opentelemetry/sdk-trace', 'cli-table3'],
]

/** What a module is told of its own place, each as an expression. */
export interface Place {
  dirname: string
  filename: string
  url: string
}

export interface BundlingInit {
  /** The checkout. */
  root: string
  /** Paths of modules by the names of the files that begin with them. */
  input: Record<string, string>
  /** @param path of a module, from `root` */
  place: (path: string) => Place
  /** Asked before anybody else. @default none */
  plugins?: RolldownPlugin[]
}

/**
 * The files, not written yet.
 * @throws where a package asks for its own place and is not outside
 */
export async function bundling(init: BundlingInit): Promise<RolldownOutput> {
  const { root, input, place, plugins = [] } = init
  const bundle = await rolldown({
    input,
    cwd: root,
    platform: 'node',
    transform: { target: 'node22' },
    external: (id) => id.startsWith('node:') || OUTSIDE.some((name) => id === name || id.startsWith(`${name}/`)),
    plugins: [
      ...plugins,
      { name: 'where-modules-were', transform: (code, id) => placed(code, relative(root, id), place) },
    ],
  })
  try {
    return await bundle.generate({
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
    })
  } finally {
    await bundle.close()
  }
}

/**
 * What a module asks of its own place is answered with where it would be.
 * @throws where a package asks: what it looks for does not lie beside the bundle
 */
function placed(code: string, path: string, place: BundlingInit['place']): string | null {
  if (path.startsWith('node_modules')) {
    const text = code.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    const [asks] =
      /\bimport\.meta\.(?:url|dirname|filename|resolve)|\b__(?:dir|file)name\b|\bcreateRequire\b/.exec(text) ?? []
    if (asks !== undefined) throw new Error(`${path} has ${asks}: name its package in OUTSIDE`)
    return null
  }
  // The bundler's own begin with a zero.
  if (!/^[a-z]/.test(path) || !code.includes('import.meta')) return null
  const { dirname, filename, url } = place(path)
  return code
    .replaceAll('import.meta.dirname', () => dirname)
    .replaceAll('import.meta.filename', () => filename)
    .replaceAll('import.meta.url', () => url)
}
