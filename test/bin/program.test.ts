import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { createProgram } from '../../bin/program.ts'
import { SOURCE } from '../../scripts/testing/programs.ts'
import { type Cortex, openCortex } from '../gateway/support/cortex.ts'
import { type Import, readImports } from '../support/import-graph.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Packages that take long to load, and are for when a command runs. */
const HEAVY =
  /^(libp2p|@libp2p\/.*|level|classic-level|zod|hono|@hono\/.*|dockerode|pino|ora|yaml|cli-table3|@bufbuild\/.*)$/

let cortex: Cortex

describe('cortex', () => {
  before(async () => {
    cortex = await openCortex({}, SOURCE)
  })
  after(async () => await cortex.close())

  it('describes every command and group of them, each with an example', async () => {
    const program = await createProgram(['completion'])
    const lacking: string[] = []
    async function walk(command: (typeof program.commands)[number], path: string): Promise<void> {
      for (const one of command.commands) await walk(one, `${path} ${one.name()}`)
      let text = ''
      command.configureOutput({ writeOut: (added) => (text += added) })
      command.outputHelp()
      if (!/Examples?:\n {2}\$ cortex /.test(text) || command.description() === '') lacking.push(path)
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
      .filter(
        (to) => to.includes('/') && !/(provider-lookup|(provider|volume)-source|network-top|gateway-top)\.ts$/.test(to),
      )
    assert.ok(starts.length > 10)
    for (const start of ['bin/main.ts', 'bin/program.ts', ...starts])
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

  it('entry 33: refuses a section that no command has, a setting that its command has not, and one without a value', async () => {
    const cases: [yaml: string, line: RegExp][] = [
      [
        'agnet:\n  allow-client: [12D3KooW]\n',
        /there is no command agnet to have settings: a section is one of .*agent/,
      ],
      ['Agent: { cpu: 1000 }\n', /there is no command Agent/],
      ['network: main\nseller:\n', /there is no setting seller/],
      ['agent: { prise-cpu: 1 }\n', /there is no setting priseCpu of agent: 'cortex agent --help'/],
      ['gateway: { price-cpu: 1 }\n', /there is no setting priceCpu of gateway/],
      ['agent: 5\n', /agent is a command/],
      ['up: { network-key: }\n', /networkKey has no value/],
      ['network-key: ""\n', /networkKey has no value/],
      ['up: { allow-client: [] }\n', /allowClient has no value/],
    ]
    const ran = cases.map(async ([yaml], i) => {
      const file = join(cortex.folder, `section${i}.yaml`)
      await writeFile(file, yaml)
      return await cortex.run(['config', 'up', '--config', file])
    })
    for (const [i, { code, err }] of (await Promise.all(ran)).entries()) {
      assert.equal(code, 1, cases[i]?.[0])
      assert.match(err, cases[i]?.[1] ?? /never/)
    }
    const good = join(cortex.folder, 'sections.yaml')
    await writeFile(
      good,
      'label: { disk: ssd }\nagent:\njob: { gateway: http://localhost:1 }\nup: { label: { a: b } }\n',
    )
    const { code, err } = await cortex.run(['config', 'up', '--config', good])
    assert.equal(code, 0, err)
  })

  it('entry 33: reads what a variable of a flag says, and refuses what says nothing', async () => {
    const flags: [variable: string, name: string, given: boolean, not: boolean][] = [
      ['CORTEX_UPNP', 'upnp', true, false],
      ['CORTEX_NO_MDNS', 'mdns', false, true],
      ['CORTEX_NO_EXTENSION', 'extension', false, true],
      ['CORTEX_REQUIRE_NETWORK_ISOLATION', 'requireNetworkIsolation', true, false],
    ]
    const valueWith = async (name: string, env: Record<string, string>): Promise<unknown> => {
      const { code, out, err } = await cortex.run(['config', '--json', 'agent'], { env })
      assert.equal(code, 0, err)
      return JSON.parse(out).find((setting: { name: string }) => setting.name === name)?.value
    }
    const all = (text: string) => Object.fromEntries(flags.map(([variable]) => [variable, text]))
    for (const [texts, at] of [
      [['true', '1', 'yes', 'ON'], 2],
      [['false', '0', 'no', 'Off', ''], 3],
    ] as const) {
      for (const text of texts) {
        const [, name = '', ...values] = flags[texts.indexOf(text as never) % flags.length] ?? []
        assert.equal(await valueWith(name, all(text)), values[at - 2], `${name} with ${text}`)
      }
    }
    for (const [env, line] of [
      [{ CORTEX_UPNP: 'perhaps' }, /variable CORTEX_UPNP must be true or false/],
      [{ CORTEX_NETWORK_KEY: '' }, /variable CORTEX_NETWORK_KEY is empty/],
      [{ CORTEX_LISTEN: '' }, /variable CORTEX_LISTEN is empty/],
    ] as const) {
      const { code, err } = await cortex.run(['config', 'agent'], { env })
      assert.equal(code, 1)
      assert.match(err, line)
    }
  })

  it('entry 33: shows the defaults that hold, of every option that has one', async () => {
    const { out } = await cortex.run(['config', '--json', 'up'])
    const settings = JSON.parse(out) as { name: string; value: unknown; from: string }[]
    const values = Object.fromEntries(settings.map(({ name, value }) => [name, value]))
    for (const [name, value] of Object.entries({
      ...{
        ownerShare: '10',
        jobWeight: '25',
        imageRoom: '5Gi',
        sandboxes: '2',
        stampBits: '0',
        keepLogs: '30',
        relayPlaces: '256',
      },
      ...{ maxPeers: '300', upnp: false, mdns: true, extension: true, swarm: false, relay: false },
      ...{ priceCpu: '0.01', priceMinimum: '0', maxClientShare: '100', maxDuration: '2592000', host: '127.0.0.1' },
    })) {
      assert.equal(values[name], value, name)
    }
    // Without these there is none, or it is looked for.
    const none = settings.filter(({ value }) => value === null).map(({ name }) => name)
    const known = [
      'allowHost',
      'corsOrigin',
      'metricsToken',
      'alias',
      'proxyDomain',
      'dockerHost',
      'priceRule',
      'region',
    ]
    const more = [
      'label',
      'registryMirror',
      'allowRegistry',
      'allowLocalImage',
      'allowImage',
      'denyImage',
      'allowInputHost',
      'tlsCert',
      'tlsKey',
      'redirectPort',
      'acme',
      'acmeEmail',
      'acmeDirectory',
      'acmeChallenge',
      'acmeDnsHook',
      'trustProxy',
    ]
    const last = [
      'platform',
      'emulate',
      'allowClient',
      'denyClient',
      'runtime',
      'isolation',
      'dns',
      'publicAddress',
      'announce',
      'networkKey',
      'backupTo',
      'backupPassphraseFile',
      'ssh',
    ]
    assert.deepEqual(
      none.filter((name) => ![...known, ...more, ...last].includes(name)),
      [],
    )
  })

  it('completes commands and flags, and has a script for each shell', async () => {
    const words = async (...typed: string[]) => (await cortex.run(['complete', '--', ...typed])).out
    assert.match(await words('sched'), /^schedule\t/m)
    assert.match(await words('job', 'resu'), /^resubmit\t/m)
    assert.match(await words('run', '--max'), /^--max-price\t/m)
    assert.match(await words('doctor', 'g'), /^gateway\t?$/m)
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, out } = await cortex.run(['completion', shell])
      assert.equal(code, 0)
      assert.match(out, /cortex/, shell)
    }
  })

  it('entry 51: the script for bash can be sourced twice', async () => {
    const { out } = await cortex.run(['completion', 'bash'])
    const file = join(cortex.folder, 'completion.bash')
    await writeFile(file, out)
    const sourced = await promisify(execFile)('bash', [
      '-ec',
      'source "$1"; source "$1"; complete -p cortex',
      '-',
      file,
    ])
    assert.match(sourced.stdout, /-F __cortex_complete cortex/)
    assert.equal(sourced.stderr, '')
  })

  const shells: [shell: string, args: (file: string) => string[], answer: RegExp][] = [
    ['fish', (file) => ['-c', `source ${file}; source ${file}; complete -C 'cortex job res'`], /^resubmit\t/m],
    // Its completion asks for a terminal; that the script is none of another shell's is what can be seen without one.
    [
      'zsh',
      (file) => ['-fc', `compdef() { echo "$@" }; source ${file}; source ${file}`],
      /^_cortex cortex\n_cortex cortex\n$/,
    ],
  ]
  for (const [shell, args, answer] of shells) {
    const found = spawnSync(shell, ['--version']).status === 0
    it(`entry 51: the script for ${shell} can be sourced twice`, {
      skip: found ? false : `needs ${shell}`,
    }, async () => {
      const { out } = await cortex.run(['completion', shell])
      const file = join(cortex.folder, `completion.${shell}`)
      await writeFile(file, out)
      await writeFile(join(cortex.folder, 'cortex'), `#!/bin/sh\nexec '${process.execPath}' '${SOURCE}' "$@"\n`, {
        mode: 0o755,
      })
      const env = { ...process.env, HOME: cortex.folder, PATH: `${cortex.folder}:${process.env.PATH}` }
      const sourced = await promisify(execFile)(shell, args(file), { env })
      assert.match(sourced.stdout, answer)
      assert.equal(sourced.stderr, '')
    })
  }

  it('entry 51: config shows JSON wherever --json stands', async () => {
    for (const words of [
      ['up', '--json'],
      ['--json', 'up'],
      ['up', '--json', '--port', '1'],
      ['job', 'list', '--json'],
      ['--json'],
    ]) {
      const { code, out, err } = await cortex.run(['config', ...words])
      assert.equal(code, 0, err)
      assert.ok((JSON.parse(out) as unknown[]).length > 0, words.join(' '))
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
