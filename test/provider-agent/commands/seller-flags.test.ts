import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Command } from 'commander'
import { type PeerOptions, withPeerOptions } from '../../../node/commands/options.ts'
import { relayLimits, withRelayLimits } from '../../../node/commands/relay-options.ts'
import { providerInit } from '../../../provider-agent/commands/provider-init.ts'
import { type SellerOptions, sellerFlags } from '../../../provider-agent/commands/seller-flags.ts'
import { parsePriceRule } from '../../../provider-agent/prices/price-rules.ts'
import { type Cortex, openCortex } from '../../gateway/support/cortex.ts'

const PEER = `12D3KooW${'a'.repeat(44)}`

const agentInit = (...flags: string[]) => sellerInit(...flags).agent

function sellerInit(...flags: string[]) {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined })
  withPeerOptions(sellerFlags(command), { listen: [], logLevel: 'info' })
  command.parse(flags, { from: 'user' })
  return providerInit(command.opts<PeerOptions & SellerOptions>())
}

describe('the flags of a seller', () => {
  let cortex: Cortex

  before(async () => {
    cortex = await openCortex()
  })
  after(async () => await cortex.close())

  it('name classes of isolation, each once, with commas or one by one', () => {
    const walls = (...flags: string[]) => sellerInit(...flags).walls
    const both = [
      { isolation: 'gvisor', runtime: 'runsc', factorMillis: 1_200 },
      { isolation: 'vm', runtime: 'kata', factorMillis: 1_000 },
    ]
    assert.deepEqual(walls('--isolation', 'gvisor=runsc@1.2', '--isolation', 'vm=kata'), both)
    assert.deepEqual(walls('--isolation', 'gvisor=runsc@1.2, vm=kata'), both)
    assert.equal(walls(), undefined)
    assert.throws(() => walls('--isolation', 'runsc'), /one of container, gvisor, vm/)
    assert.throws(() => walls('--isolation', 'vm=kata,vm=runsc'), /vm is given twice/)
    assert.throws(() => walls('--isolation', 'gvisor=runsc@0'), /a factor from 0\.01 to 100/)
    for (const plain of ['gvisor=runc@0.5', 'vm=runc', 'vm=crun']) {
      assert.throws(() => walls('--isolation', plain), /runs jobs on this machine's own kernel: .*gvisor=runsc/, plain)
    }
    assert.equal(walls('--isolation', 'container=runc')?.[0]?.runtime, 'runc')
  })

  it('do not emulate what the engine runs by itself, in whatever spelling', () => {
    const both = (emulate: string) => () => sellerInit('--platform', 'linux/arm64', '--emulate', emulate)
    for (const name of ['linux/arm64', 'linux/aarch64']) assert.throws(both(name), /leave it out of --emulate/, name)
    assert.deepEqual(both('linux/arm/v7')().agent?.emulate, ['linux/arm/v7'])
  })

  it('name each of their pairs once', () => {
    for (const [flag, one, other] of [
      ['--label', 'a=1', 'a=2'],
      ['--registry-mirror', 'docker.io=m:1', 'docker.io=m:2'],
    ] as const) {
      assert.throws(
        () => sellerInit(flag, one, flag, other),
        new RegExp(`${flag} .*${one.split('=')[0]} is given twice`),
      )
      assert.doesNotThrow(() => sellerInit(flag, one, flag, `b${other}`))
    }
  })

  it('are the agent’s options', () => {
    const init = agentInit(
      ...['--price-rule', '22:00-06:00 x0.5', '--price-rule', 'sat,sun x0.8', '--time-zone', 'Europe/Berlin'],
      ...['--owner-share', '25', '--max-client-share', '50', '--max-duration', '7200', '--no-extension'],
      ...['--registry-mirror', 'docker.io=mirror.lan:5000/hub', '--price-minimum', '0.002'],
      ...['--allow-local-image', 'own/*', '--allow-local-image', 'b:1', '--allow-registry', 'registry.lan:5000'],
      ...['--hours', 'Mon-Fri 18:00-08:00', '--hours', 'sat,sun'],
      ...[
        '--allow-input-host',
        'Files.lan:8443',
        '--allow-input-host',
        '10.0.0.7:443',
        '--allow-input-host',
        '[fd00::1]',
      ],
      ...['--deny-image', '*miner*', '--allow-client', PEER, '--deny-client', `${PEER}b`],
    )
    assert.deepEqual(init.priceRules, [parsePriceRule('22:00-06:00 x0.5'), parsePriceRule('sat,sun x0.8')])
    assert.equal(init.prices?.minimumPerJob, 2_000_000n)
    assert.deepEqual([init.timeZone, init.ownerShare, init.maxClientShare], ['Europe/Berlin', 0.25, 0.5])
    assert.deepEqual([init.maxDurationSeconds, init.allowExtension], [7_200, false])
    assert.deepEqual(init.hours, ['Mon-Fri 18:00-08:00', 'sat,sun'])
    assert.deepEqual(init.allowLocalImages, ['own/*', 'b:1'])
    assert.deepEqual(init.allowInputHosts, ['files.lan:8443', '10.0.0.7', '[fd00::1]'])
    assert.deepEqual([init.denyImages, init.allowClients, init.denyClients], [['*miner*'], [PEER], [`${PEER}b`]])
  })

  it('name a price of any GPU, and of models', () => {
    const { prices, gpuPrices } = agentInit(
      ...['--price-gpu', 'h100=2.10', '--price-gpu', '0.4', '--price-gpu', 'rtx 4090=0.35,t4=0.1'],
    )
    assert.equal(prices?.gpuPerHour, 400_000_000n)
    assert.deepEqual(gpuPrices, [
      { model: 'h100', pricePerHour: 2_100_000_000n },
      { model: 'rtx 4090', pricePerHour: 350_000_000n },
      { model: 't4', pricePerHour: 100_000_000n },
    ])
    for (const [flags, message] of [
      [['h100=2', 'h100=3'], /--price-gpu .*h100 is given twice/],
      [['rtx 4090=2,RTX4090=3'], /RTX4090 is given twice/],
      [['1', 't4=1', '2'], /The price of any GPU is given twice/],
      [['a100=1', 'a100 80gb=2'], /a100 means a100 80gb, too: give the price of a100 80gb before it/],
    ] as const) {
      const given = flags.flatMap((word) => ['--price-gpu', word])
      assert.throws(() => agentInit(...given), message, given.join(' '))
    }
    assert.equal(agentInit('--price-gpu', 'a100 80gb=2', '--price-gpu', 'a100=1').gpuPrices?.length, 2)
    assert.deepEqual([agentInit('--price-gpu', '1').gpuPrices, agentInit().gpuPrices], [[], []])
    for (const wrong of ['h100', 'h100=', '=1', 'h100=-1', '', '-=1', 'a=b=1']) {
      assert.throws(() => agentInit('--price-gpu', wrong), /Give US dollars, or a model/, wrong)
    }
  })

  it('entry 51: take amounts, cores and times as those of a job do', () => {
    const { caps, maxDurationSeconds, imageRoomBytes } = agentInit(
      ...['--cpu', '0.5', '--memory', '2g', '--storage', '512MB', '--max-duration', '2h', '--image-room', '1GiB'],
    )
    assert.deepEqual(caps, { cpuMillis: 500, memoryBytes: 2 ** 31, storageBytes: 2 ** 29 })
    assert.deepEqual([maxDurationSeconds, imageRoomBytes], [7_200, 2 ** 30])
    const relay = withRelayLimits(new Command()).parse(['--relay-bytes', '128m'], { from: 'user' })
    assert.equal(relayLimits(relay.opts()).maxBytes, 2 ** 27)
  })

  it('leave out what was not given, so that the agent’s defaults hold', () => {
    const { ownerShare, maxClientShare, maxDurationSeconds, allowClients, allowExtension } = agentInit()
    assert.deepEqual([ownerShare, maxClientShare, maxDurationSeconds, allowClients], Array(4).fill(undefined))
    assert.equal(allowExtension, true)
  })

  const wrong: string[][] = [
    ['--price-rule', 'at night x0.5'],
    ['--time-zone', 'Mars/Olympus'],
    ['--hours', 'at night'],
    ['--price-minimum', '-1'],
    ['--allow-client', 'me'],
    ['--owner-share', '91'],
    ['--max-bandwidth', '100'],
    ['--max-bandwidth', '1kbit'],
    ['--job-weight', '0'],
    ['--job-weight', '101'],
    ['--max-client-share', '0'],
    ['--registry-mirror', 'docker.io=http://mirror.lan'],
    ['--allow-registry', 'registry.lan/path'],
    ['--allow-registry', 'ftp://registry.lan'],
    ['--allow-input-host', 'https://files.lan'],
    ['--allow-input-host', 'files.lan/path'],
    ['--max-image', '0'],
    ['--cpu', '0.05'],
    ['--memory', 'lots'],
    ['--max-duration', '31d'],
    ['--max-duration', '2592001'],
    ['--sandboxes', '65'],
  ]
  for (const flags of wrong) {
    it(`refuse ${flags.join(' ')}`, () => {
      assert.throws(() => agentInit(...flags), { code: 'commander.invalidArgument' })
    })
  }

  it('can stand in the configuration file', async () => {
    const file = join(cortex.folder, 'cortex.yaml')
    const rules = '["22:00-06:00 x0.5", "sat,sun x0.8"]'
    await writeFile(file, `agent:\n  price-rule: ${rules}\n  extension: false\n  deny-client: [${PEER}]\n`)
    const { code, out, err } = await cortex.run(['config', '--json', 'agent', '--config', file])
    assert.equal(code, 0, err)
    const settings = JSON.parse(out) as { name: string; value: unknown }[]
    const of = (wanted: string) => settings.find(({ name }) => name === wanted)?.value
    assert.deepEqual(of('priceRule'), ['22:00-06:00 x0.5', 'sat,sun x0.8'])
    assert.deepEqual([of('extension'), of('denyClient')], [false, [PEER]])
    await writeFile(file, 'agent: { price-rule: never x2 }\n')
    const refused = await cortex.run(['agent', '--config', file])
    assert.equal(refused.code, 1)
    assert.match(refused.err, /^cortex: .*priceRule: never x2 is not right\. Write conditions .*\n$/)
  })
})
