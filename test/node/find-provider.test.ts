import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProviderUnknownError, resolveProviderName } from '../../node/directory/find-provider.ts'
import { failure } from '../../protocol/failures.ts'
import { providerView } from '../gateway/support/test-node.ts'

const A = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
const B = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const STRANGER = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'

function directoryOf(...named: [id: string, name: string][]) {
  return { list: () => named.map(([provider, name]) => providerView({ provider, name })) }
}

describe('a provider that is asked for', () => {
  const market = directoryOf([A, 'host-a'], [B, 'host-b'])

  it('entry 16: is the one with this id, end of an id, or name', () => {
    for (const [wanted, expected] of [
      ['p2p', 'p2p'],
      [A, A],
      [STRANGER, STRANGER],
      ['host-a', A],
      ['host-b', B],
      [A.slice(-8), A],
      [B.slice(-4), B],
      [B.slice(1), B],
    ] as const) {
      assert.equal(resolveProviderName(market, wanted), expected, wanted)
    }
  })

  it('entry 16: is refused where it is nobody’s', () => {
    for (const wanted of [
      'nosuch',
      'host',
      'HOST-A',
      A.slice(-3),
      A.slice(0, 20),
      '12D3KooW',
      '',
      '__proto__',
      'any',
    ]) {
      assert.throws(() => resolveProviderName(market, wanted), ProviderUnknownError, wanted)
    }
  })

  it('entry 16: is refused where several could be meant, unless it is a whole id', () => {
    const twins = directoryOf([A, 'twin'], [B, 'twin'])
    const isAmbiguous = (error: unknown): boolean =>
      error instanceof ProviderUnknownError && error.candidates.length === 2 && error.message.includes(A)
    assert.throws(() => resolveProviderName(twins, 'twin'), isAmbiguous)
    // Who calls itself by another's id, or the end of it, gains nothing.
    assert.throws(() => resolveProviderName(directoryOf([A, ''], [B, A.slice(-8)]), A.slice(-8)), isAmbiguous)
    assert.equal(resolveProviderName(directoryOf([B, A], [A, '']), A), A)
    assert.equal(resolveProviderName(directoryOf([B, A]), A), A)
  })

  it('is the first that was seen of a name, where those that took it later have gone', () => {
    const first = { provider: A, name: 'alpha', firstSeenMs: 1_000 }
    const later = { provider: B, name: 'alpha', firstSeenMs: 2_000 }
    const asked = (...views: Parameters<typeof providerView>[0][]) =>
      resolveProviderName({ list: () => views.map((view) => providerView(view)) }, 'alpha')
    assert.equal(asked({ ...later, status: 'offline' }, { ...first, status: 'online' }), A)
    // A name is not another's while its first is away.
    assert.throws(() => asked({ ...later, status: 'online' }, { ...first, status: 'offline' }), ProviderUnknownError)
    assert.throws(() => asked({ ...later, status: 'online' }, { ...first, status: 'online' }), ProviderUnknownError)
  })

  it('entry 16: has a remedy of its own where a job was stored with a name', () => {
    assert.match(failure('NO_PROVIDER', undefined, { reason: 'provider-unknown' }).remedy, /peer id/)
  })
})
