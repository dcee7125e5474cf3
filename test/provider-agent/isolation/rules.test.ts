import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  agentsIn,
  type Family,
  isInPlace,
  readSaved,
  rulesFor,
  toPlace,
  toRemove,
} from '../../../provider-agent/isolation/rules.ts'
import { bridgePrefix } from '../../../provider-agent/networks/bridge-name.ts'

const owner = '12D3KooWOwner'
const prefix = bridgePrefix(owner)
const init = {
  owner,
  pid: 42,
  closed: ['198.51.100.0/24'],
  nameServers: ['9.9.9.9', '192.168.1.1'],
  maxConnections: 100,
}

/** What `iptables-save` says after a change, by the few words of `iptables-restore` that are used. */
function applied(saved: string, change: string): string {
  const chains = new Map([['FORWARD', []], ['INPUT', []], ...readSaved(saved)] as [string, string[]][])
  for (const line of change.split('\n')) {
    const [, made] = /^:(\S+) - \[0:0\]$/.exec(line) ?? []
    if (made !== undefined) chains.set(made, [])
    const [, verb = '', name = '', rule = ''] = /^-([AIDX]) (\S+) ?(.*)$/.exec(line) ?? []
    const rules = chains.get(name) ?? []
    if (verb === 'A') rules.push(rule)
    if (verb === 'I') rules.unshift(rule.replace(/^1 /, ''))
    if (verb === 'D') {
      assert.ok(rules.includes(rule), `there is no ${rule}`)
      rules.splice(rules.indexOf(rule), 1)
    }
    if (verb === 'X') {
      assert.deepEqual(rules, [], 'only an empty chain can be deleted')
      chains.delete(name)
    }
  }
  const declared = [...chains.keys()].map((name) => `:${name} - [0:0]`)
  const rules = [...chains].flatMap(([name, all]) => all.map((rule) => `-A ${name} ${rule}`))
  return ['*mangle', ...declared, ...rules, 'COMMIT', ''].join('\n')
}

const placed = (family: Family, saved = '', given: Partial<typeof init> = {}): string =>
  applied(saved, toPlace(readSaved(saved), rulesFor(family, { ...init, ...given })))

const inPlace = (family: Family, saved: string, given: Partial<typeof init> = {}): boolean =>
  isInPlace(readSaved(saved), rulesFor(family, { ...init, ...given }))

describe('firewall rules', () => {
  it('let answers out and ask name servers before anything is dropped; to the machine only those', () => {
    const [forward, input] = rulesFor(4, init).chains
    const bare = (rules: string[] = []): string[] =>
      rules.map((rule) => rule.replace(/ ?-m comment --comment \S+/, '').trim())
    const answers = '-m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY -j RETURN'
    const asking = ['9.9.9.9', '192.168.1.1'].flatMap((address) => [
      `-d ${address}/32 -p udp --dport 53 -j RETURN`,
      `-d ${address}/32 -p tcp --dport 53 -j RETURN`,
    ])
    const many =
      '-m conntrack --ctstate NEW -m connlimit --connlimit-above 100 --connlimit-mask 32 --connlimit-saddr -j DROP'
    assert.deepEqual(bare(forward?.rules).slice(0, 7), [answers, many, ...asking, '-o ctxj+ -j DROP'])
    assert.deepEqual(bare(forward?.rules).slice(7).at(-1), '-d 198.51.100.0/24 -j DROP')
    assert.ok(
      bare(forward?.rules)
        .slice(7)
        .every((rule) => /^-d [\d.]+\/\d+ -j DROP$/.test(rule)),
    )
    assert.deepEqual(bare(input?.rules), [answers, many, ...asking, '-j DROP'])
    const uncounted = rulesFor(4, { ...init, maxConnections: null }).chains
    assert.deepEqual(bare(uncounted[1]?.rules), [answers, ...asking, '-j DROP'])
    assert.match(forward?.jump ?? '', new RegExp(`^-i ${prefix}\\+ .* -j CORTEX-${prefix}-FWD$`))
    assert.match(input?.jump ?? '', new RegExp(`^-i ${prefix}\\+ .* -j CORTEX-${prefix}-IN$`))
  })

  it('close IPv6 altogether', () => {
    for (const { rules } of rulesFor(6, init).chains) {
      assert.deepEqual(
        rules.map((rule) => rule.replace(/^-m comment --comment \S+ /, '')),
        ['-j DROP'],
      )
    }
  })

  for (const family of [4, 6] as const) {
    const mine = placed(family)
    it(`IPv${family}: are in place once they were put there, and stay as they are when they are put there again`, () => {
      assert.equal(inPlace(family, ''), false)
      assert.equal(inPlace(family, mine), true)
      assert.equal(placed(family, mine), mine)
    })

    it(`IPv${family}: are missed whichever line is gone, and put back`, () => {
      const lines = mine.split('\n').filter((line) => line.startsWith('-A'))
      for (const line of lines) {
        const robbed = mine.replace(`${line}\n`, '')
        assert.equal(inPlace(family, robbed), false, line)
        assert.equal(placed(family, robbed), mine, line)
      }
    })
  }

  const mine = placed(4)
  const harm: [string, string][] = [
    ['a rule before the call', mine.replace('-A FORWARD ', '-A FORWARD -j ACCEPT\n-A FORWARD ')],
    [
      'a rule within',
      mine.replace(`-A CORTEX-${prefix}-IN `, `-A CORTEX-${prefix}-IN -j RETURN\n-A CORTEX-${prefix}-IN `),
    ],
    ['another order', mine.replace(/(-A CORTEX-\S+-FWD .*\n)(-A CORTEX-\S+-FWD .*\n)/, '$2$1')],
    ['a call of another process', mine.replaceAll(':pid:42', ':pid:41')],
  ]
  for (const [what, saved] of harm) {
    it(`are not in place: ${what}`, () => {
      assert.notEqual(saved, mine)
      assert.equal(inPlace(4, saved), false)
      const mended = placed(4, saved)
      assert.equal(inPlace(4, mended), true)
      assert.equal(mended.match(new RegExp(`-j CORTEX-${prefix}-FWD$`, 'gm'))?.length, 1, 'called once')
    })
  }

  it('change with the machine’s networks and the name servers', () => {
    assert.equal(inPlace(4, mine, { closed: [] }), false)
    assert.equal(inPlace(4, mine, { nameServers: ['9.9.9.9'] }), false)
    assert.equal(inPlace(4, placed(4, mine, { closed: [] }), { closed: [] }), true)
  })

  it('of two agents stand side by side, each in place whoever came first; taking one’s out leaves the other’s', () => {
    const both = placed(4, mine, { owner: 'another' })
    assert.deepEqual([inPlace(4, both), inPlace(4, both, { owner: 'another' })], [true, true])
    assert.deepEqual(
      agentsIn(readSaved(both))
        .map(({ prefix: found }) => found)
        .toSorted(),
      [...[prefix, prefix, bridgePrefix('another'), bridgePrefix('another')].toSorted()],
    )
    const change = toRemove(readSaved(both), bridgePrefix('another'))
    assert.equal(applied(both, change ?? ''), mine)
  })

  it('are taken out without a trace, and not twice; what others have stays', () => {
    const others = '*mangle\n:FORWARD - [0:0]\n:INPUT - [0:0]\n-A FORWARD -p udp -j MARK --set-mark 7\nCOMMIT\n'
    const saved = placed(4, others)
    const change = toRemove(readSaved(saved), prefix)
    assert.equal(applied(saved, change ?? ''), others)
    assert.equal(toRemove(readSaved(others), prefix), null)
  })

  it('tell whose they are: the process, or none where nothing calls them', () => {
    assert.deepEqual(agentsIn(readSaved(mine)), [
      { prefix, pid: 42 },
      { prefix, pid: 42 },
    ])
    const uncalled = mine.split('\n').filter((line) => !/^-A (FORWARD|INPUT)/.test(line))
    assert.deepEqual(agentsIn(readSaved(uncalled.join('\n'))), [
      { prefix, pid: null },
      { prefix, pid: null },
    ])
    assert.deepEqual(agentsIn(readSaved('*mangle\n:CORTEX-other - [0:0]\n:DOCKER - [0:0]\nCOMMIT\n')), [])
  })
})
