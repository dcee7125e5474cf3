import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createProgram } from '../../bin/program.ts'
import { type Cortex, openCortex } from '../gateway/support/cortex.ts'
import { type Import, readImports } from '../support/import-graph.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Packages that take long to load, and are for when a command runs. */
const HEAVY =
  /^(libp2p|@libp2p\/.*|level|classic-level|zod|hono|@hono\/.*|dockerode|pino|ora|yaml|cli-table3|@bufbuild\/.*)$/

let cortex: Cortex

describe('cortex', () => {
  before(async () => {
    cortex = await openCortex()
  })
  after(async () => await cortex.close())

  it('describes every command, each with an example', async () => {
    const program = await createProgram(['completion'])
    const lacking: string[] = []
    async function walk(command: (typeof program.commands)[number], path: string): Promise<void> {
      if (command.commands.length > 0) for (const one of command.commands) await walk(one, `${path} ${one.name()}`)
      else {
        let text = ''
        command.configureOutput({ writeOut: (added) => (text += added) })
        command.outputHelp()
        if (!/Examples?:\n {2}\$ cortex /.test(text) || command.description() === '') lacking.push(path)
      }
    }
    for (const command of program.commands) await walk(command, command.name())
    // Made by the library for the completion.
    assert.deepEqual(lacking, ['completion', 'complete'])
  })

  it('loads nothing heavy until a command runs', () => {
    const imports = readImports(ROOT, ['bin', 'gateway', 'node', 'provider-agent', 'protocol'])
    const definitions = imports.filter(({ from, isDeferred }) => from === 'bin/commands.ts' && isDeferred)
    const starts = definitions
      .map(({ to }) => to)
      .filter((to) => to.includes('/') && !/(provider-lookup|provider-source|network-top|gateway-top)\.ts$/.test(to))
    assert.ok(starts.length > 10)
    for (const start of ['bin/cortex.ts', 'bin/program.ts', ...starts])
      assert.deepEqual(heavyOf(start, imports), [], start)
  })

  it('takes settings from flag, variable, file and default, in this order', async () => {
    const file = join(cortex.folder, 'cortex.yaml')
    await writeFile(
      file,
      'port: 1001\nnetwork: from-file\nlisten: [/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2]\nmdns: false\nup:\n  region: eu\n  price-cpu: 0.02\nagent: { region: us }\n',
    )
    const env = { CORTEX_PORT: '1002', CORTEX_NETWORK: 'from-variable' }
    const { code, out, err } = await cortex.run(['config', '--json', 'up', '--port', '1003', '--config', file], { env })
    assert.equal(code, 0, err)
    const settings = JSON.parse(out) as { name: string; value: unknown; from: string }[]
    const of = (wanted: string) => {
      const { value, from } = settings.find(({ name }) => name === wanted) ?? {}
      return [value, from]
    }
    assert.deepEqual(of('port'), [1003, 'flag'])
    assert.deepEqual(of('network'), ['from-variable', 'variable CORTEX_NETWORK'])
    assert.deepEqual(of('listen'), [['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'], `file ${file}`])
    assert.deepEqual(of('mdns'), [false, `file ${file}`])
    assert.deepEqual(of('region'), ['eu', `file ${file}`])
    assert.deepEqual(of('priceCpu'), ['0.02', `file ${file}`])
    assert.deepEqual(of('host'), ['127.0.0.1', 'default'])
  })

  it('shows the settings of all commands, secrets masked', async () => {
    const env = { CORTEX_KEY: 'very-secret', CORTEX_ADMIN_KEY: 'more-secret' }
    const { code, out } = await cortex.run(['config'], { env })
    assert.equal(code, 0)
    assert.match(out, /^key\s+\*+\s+variable CORTEX_KEY/m)
    assert.match(out, /^adminKey\s+\*+\s+variable CORTEX_ADMIN_KEY/m)
    assert.match(out, /^port\s+13000\s+default\s+up, gateway$/m)
    assert.doesNotMatch(out, /very-secret|more-secret/)
  })

  it('refuses what the file does not mean, naming it', async () => {
    const cases: [yaml: string, line: RegExp][] = [
      ['prot: 1\n', /there is no setting prot: 'cortex config' lists them/],
      ['port: many\n', /port: many is not right\. Give a whole number/],
      ['mdns: perhaps\n', /mdns must be true or false/],
      ['- a list\n', /must hold names and values/],
      ['a: [\n', /is no YAML/],
    ]
    const ran = cases.map(async ([yaml], i) => {
      const file = join(cortex.folder, `wrong${i}.yaml`)
      await writeFile(file, yaml)
      return await cortex.run(['config', 'up', '--config', file])
    })
    for (const [i, { code, err }] of (await Promise.all(ran)).entries()) {
      assert.equal(code, 1, cases[i]?.[0])
      assert.match(err, /^cortex: [^\n]+\n$/)
      assert.match(err, cases[i]?.[1] ?? /never/)
    }
  })

  it('completes commands and flags, and has a script for each shell', async () => {
    const words = async (...typed: string[]) => (await cortex.run(['complete', '--', ...typed])).out
    assert.match(await words('sched'), /^schedule\t/m)
    assert.match(await words('job', 'resu'), /^resubmit\t/m)
    assert.match(await words('run', '--max'), /^--max-price\t/m)
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, out } = await cortex.run(['completion', shell])
      assert.equal(code, 0)
      assert.match(out, /cortex/, shell)
    }
  })

  it('keeps what it compiled for the next run, where it can', async () => {
    const cached = async (folder: string): Promise<string[]> =>
      await readdir(folder, { recursive: true }).catch(() => [])
    const [good, bad] = [join(cortex.folder, 'kept'), join(cortex.folder, 'no-folder')]
    await writeFile(bad, '')
    for (const XDG_CACHE_HOME of [good, bad]) {
      const { code, out, err } = await cortex.run(['--version'], { env: { NODE_COMPILE_CACHE: '', XDG_CACHE_HOME } })
      assert.deepEqual([code, err], [0, ''])
      assert.match(out, /^\d+\.\d+\.\d+\n$/)
    }
    assert.ok((await cached(join(good, 'cortex-node', 'compiled'))).length > 1)
    assert.deepEqual(await cached(bad), [])
  })

  it('suggests what an unknown command may have meant', async () => {
    const { code, err } = await cortex.run(['jbo', 'list'])
    assert.equal(code, 1)
    assert.match(err, /Did you mean job\?/)
  })
})

/** Heavy packages that are loaded together with a module. */
function heavyOf(start: string, imports: Import[]): string[] {
  const seen = new Set<string>()
  const found = new Set<string>()
  const waiting = [start]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    for (const { from, to, isRelative, isDeferred } of imports) {
      if (from !== file || isDeferred) continue
      if (isRelative) waiting.push(to)
      else if (HEAVY.test(to)) found.add(`${from} -> ${to}`)
    }
  }
  return [...found]
}
