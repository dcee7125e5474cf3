import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changesTo, type Draft } from '../../../gateway/dashboard/src/jobs/submission.ts'

describe('what makes a draft of a template', () => {
  const config = { image: 'nginx', cpu: 500, args: ['a'], env: { A: '1', B: '2' }, labels: { team: 'x' } }
  const cases: [name: string, draft: Draft, changes: object][] = [
    ['nothing', config, {}],
    ['another value', { ...config, cpu: 1000 }, { cpu: 1000 }],
    ['a field more', { ...config, gpu: 1 }, { gpu: 1 }],
    ['a field less', { ...config, args: undefined }, { args: null }],
    ['no image', (({ image: _, ...rest }) => rest)(config), { image: null }],
    ['a list as a whole', { ...config, args: ['a', 'b'] }, { args: ['a', 'b'] }],
    ['names of a map', { ...config, env: { A: '1', C: '3' } }, { env: { B: null, C: '3' } }],
    ['no map at all', { ...config, labels: undefined }, { labels: null }],
    ['secrets, which it does not show', { ...config, secrets: { KEY: 'x' } }, { secrets: { KEY: 'x' } }],
    ['an empty map, which is none', { ...config, env: {} }, { env: { A: null, B: null } }],
  ]
  for (const [name, draft, changes] of cases) {
    it(name, () => assert.deepEqual(changesTo(config, draft), changes))
  }

  it('what it does not show, left out or given anew', () => {
    const leftOut = { secrets: ['A', 'B'], registryCredentials: true }
    const given = { username: 'a', password: 'b', serverAddress: 'c' }
    assert.deepEqual(changesTo(config, config, leftOut), {
      ...{ registryCredentials: null, secrets: { A: null, B: null } },
    })
    const draft = { ...config, secrets: { B: '2', C: '3' }, registryCredentials: given }
    assert.deepEqual(changesTo(config, draft, leftOut), {
      ...{ registryCredentials: given, secrets: { A: null, B: '2', C: '3' } },
    })
  })
})
