/** Secrets that are stored with templates, schedules and jobs: they stay with what they were stored for. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Answer, openTestGateway, type TestGateway } from './support/test-gateway.ts'

const JOBS = '/api/plugin-core/jobs'
const CONFIG = {
  image: 'nginx',
  command: ['serve'],
  secrets: { DB: 'hidden-1', TOKEN: 'hidden-2' },
  registryCredentials: { username: 'a', password: 'hidden-3', serverAddress: 'docker.io' },
}
const SHELL = ['sh', '-c', 'echo $DB']

let gateway: TestGateway
let template: string
let job: string
let schedule: string
let writer: string
before(async () => {
  gateway = await openTestGateway()
  writer = await gateway.keyFor('admin', ['jobs:read', 'jobs:write', 'templates:*'])
  const made = async (path: string, json: object) => {
    const answer = await gateway.ask('POST', path, { json })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.data.id as string
  }
  template = await made(`${JOBS}/templates`, { name: 'T', config: CONFIG })
  job = await made(JOBS, CONFIG)
  schedule = await made(`${JOBS}/schedules`, { name: 'S', schedule: '@yearly', config: CONFIG })
})
after(async () => await gateway.close())

/** The ways to a job with secrets that somebody else stored. */
const WAYS: [name: string, change: (fields: object) => Promise<Answer>][] = [
  [
    'a job from a template',
    async (overrides) =>
      await gateway.ask('POST', `${JOBS}/from-template/${template}`, { key: writer, json: { overrides } }),
  ],
  ['a job again', async (json) => await gateway.ask('POST', `${JOBS}/${job}/resubmit`, { key: writer, json })],
  [
    'a template with a new config',
    async (fields) => {
      const { secrets: _own, registryCredentials: _own2, ...open } = CONFIG
      const json = { config: { ...open, ...fields } }
      return await gateway.ask('PUT', `${JOBS}/templates/${template}`, { key: writer, json })
    },
  ],
  [
    'a schedule with a new config',
    async (fields) => {
      const { secrets: _own, registryCredentials: _own2, ...open } = CONFIG
      const json = { config: { ...open, ...fields } }
      return await gateway.ask('PUT', `${JOBS}/schedules/${schedule}`, { key: writer, json })
    },
  ],
]
const SECRETS = ['secrets.DB', 'secrets.TOKEN']
const ALL = [...SECRETS, 'registryCredentials']
const CHANGES: [fields: object, named: string[]][] = [
  [{ command: SHELL }, SECRETS],
  [{ args: ['-c', 'echo $DB'] }, SECRETS],
  [{ env: { LD_PRELOAD: '/a.so' } }, SECRETS],
  [{ image: 'evil' }, ALL],
  [{ constraints: { labels: { mine: 'yes' } } }, ALL],
  [{ network: 'none' }, SECRETS],
]

describe('secrets that somebody stored', () => {
  for (const [name, change] of WAYS) {
    it(`are not in ${name} that runs something else, or elsewhere`, async () => {
      for (const [fields, named] of CHANGES) {
        const answer = await change(fields)
        const paths = answer.body.error?.details?.fields?.map(({ path }: { path: string }) => path)
        assert.deepEqual([answer.status, paths], [400, named], JSON.stringify([fields, answer.body]))
      }
    })

    it(`are in ${name} of another size, and where a default is spelled out`, async () => {
      const answer = await change({ cpu: 500, duration: 60, labels: { a: 'b' }, env: {} })
      assert.ok(answer.status < 300, JSON.stringify(answer.body))
    })
  }

  it('are given anew, or taken out, name by name', async () => {
    const overrides = { command: SHELL, secrets: { DB: 'own', TOKEN: null } }
    const json = { overrides }
    const answer = await gateway.ask('POST', `${JOBS}/from-template/${template}`, { key: writer, json })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    assert.deepEqual((await gateway.store.secrets(answer.data.id)).secrets, { DB: 'own' })
    const half = { overrides: { command: SHELL, secrets: { DB: 'own' } } }
    const refused = await gateway.ask('POST', `${JOBS}/from-template/${template}`, { key: writer, json: half })
    assert.deepEqual(refused.body.error.details.fields[0].path, 'secrets.TOKEN')
  })

  it('are not in a job that waits and is to run elsewhere, but in one of another size', async () => {
    const put = async (json: object) => await gateway.ask('PUT', `${JOBS}/${job}`, { key: writer, json })
    for (const change of [{ isolation: 'container' }, { provider: 'attic' }, { constraints: { region: 'x' } }]) {
      const answer = await put(change)
      const paths = answer.body.error?.details?.fields?.map(({ path }: { path: string }) => path)
      assert.deepEqual([answer.status, paths], [400, ALL], JSON.stringify([change, answer.body]))
    }
    const sized = await put({ cpu: 700, maxPrice: 1 })
    assert.deepEqual([sized.status, sized.data.cpu], [200, 700])
  })

  it('are in a job again with more processes and open files', async () => {
    const json = { pids: 1_024, ulimits: { nofile: 32_768 } }
    const answer = await gateway.ask('POST', `${JOBS}/${job}/resubmit`, { key: writer, json })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
  })

  it('are out of reach of keys that may not read templates', async () => {
    const key = await gateway.keyFor('admin', ['jobs:read', 'jobs:write'])
    const asked = await gateway.ask('POST', `${JOBS}/from-template/${template}`, { key })
    const json = { name: 'S', schedule: '@yearly', templateId: template }
    const scheduled = await gateway.ask('POST', `${JOBS}/schedules`, { key, json })
    assert.deepEqual([asked.code, scheduled.code], ['FORBIDDEN', 'FORBIDDEN'])
    assert.deepEqual(asked.body.error.details, { permission: 'templates:read' })
  })
})
