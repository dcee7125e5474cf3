import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { openTestGateway, type TestGateway } from './support/test-gateway.ts'
import { undescribed } from './support/undescribed.ts'

describe('the OpenAPI document', () => {
  let gateway: TestGateway
  // biome-ignore lint/suspicious/noExplicitAny: the document is looked into as JSON
  let document: any

  before(async () => {
    gateway = await openTestGateway()
    document = (await gateway.ask('GET', '/api/openapi.json', { key: null })).body
  })
  after(async () => {
    await gateway.close()
  })

  // biome-ignore lint/suspicious/noExplicitAny: as above
  function operations(): [string, string, any][] {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    return Object.entries<any>(document.paths).flatMap(([path, item]) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      Object.entries<any>(item).map(([method, one]): [string, string, any] => [method, path, one]),
    )
  }

  it('passes a strict linter without a warning', async () => {
    // The contract's own paths, `jobs/templates/{id}` and `jobs/{id}/logs`, are ambiguous for this one rule.
    const config = await createConfig({ extends: ['recommended-strict'], rules: { 'no-ambiguous-paths': 'off' } })
    const problems = await lintFromString({ source: JSON.stringify(document), config })
    assert.deepEqual(
      problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`),
      [],
    )
  })

  it('has patterns that are regular expressions without flags, and that its examples match', () => {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const found: { pattern: string; at: string; examples: any[] }[] = []
    // biome-ignore lint/suspicious/noExplicitAny: as above
    function collect(node: any, at: string): void {
      if (typeof node !== 'object' || node === null) return
      if (typeof node.pattern === 'string') {
        found.push({ pattern: node.pattern, at, examples: [...(node.examples ?? []), node.example ?? []].flat() })
      }
      for (const [key, value] of Object.entries(node)) if (key !== 'example') collect(value, `${at}/${key}`)
    }
    collect(document, '')
    assert.ok(found.length > 20, `${found.length} patterns`)
    for (const { pattern, at, examples } of found) {
      const expression = new RegExp(pattern, 'u')
      assert.doesNotMatch(pattern, /(?<!\\)\/[a-z]+$/, `${at}: ${pattern}`)
      for (const example of examples) assert.match(example, expression, at)
    }
    const models = found.filter(({ at }) => at.endsWith('/gpuRequirements/properties/models/items'))
    assert.ok(models.length > 0)
    for (const { pattern } of models) {
      assert.ok(new RegExp(pattern, 'u').test('a100 80gb'), pattern)
      assert.ok(!new RegExp(pattern, 'u').test('a,b'), pattern)
    }
  })

  it('describes every parameter, header, body, answer, object and property', () => {
    const { bare, looked } = undescribed(document)
    assert.deepEqual(bare, [])
    assert.ok(looked > 2500, `${looked} were looked at`)
  })

  it('has a tag of the list for every operation, or it would be on no page', () => {
    const tags = document.tags.map(({ name }: { name: string }) => name)
    for (const [method, path, one] of operations()) assert.ok(tags.includes(one.tags[0]), `${method} ${path}`)
  })

  it('has an example for every body and answer', () => {
    assert.ok(operations().length > 25)
    for (const [method, path, one] of operations()) {
      const name = `${method} ${path}`
      const body = one.requestBody?.content['application/json']
      // Nor have bytes.
      const isBytes = one.requestBody?.content['application/octet-stream'] !== undefined
      if (one.requestBody !== undefined && !isBytes) assert.ok(body?.example !== undefined, name)
      const success = one.responses[200] ?? one.responses[201]
      // A file has no example.
      const json = success.content['application/json']
      assert.ok(json === undefined ? success.content['application/x-tar'] : json.example.success === true, name)
    }
  })

  it('says the same as the router: every documented path is answered, and needs a key where it says so', async () => {
    for (const [method, path, one] of operations()) {
      const answer = await gateway.ask(method.toUpperCase(), `/api${path.replaceAll(/\{[^}]+\}/g, 'x')}`, { key: null })
      const isPublic = one.security.length === 0
      assert.equal(answer.status === 401 && answer.code === 'UNAUTHORIZED', !isPublic, `${method} ${path}`)
    }
  })
})

describe('undescribed', () => {
  const told = () => ({ description: 'What it is.' })
  const whole = () => ({
    paths: {
      '/jobs': {
        post: {
          parameters: [{ name: 'id', in: 'query', ...told(), schema: { type: 'string' } }],
          requestBody: {
            ...told(),
            content: { 'application/json': { schema: { properties: { properties: { ...told(), type: 'object' } } } } },
          },
          responses: {
            200: {
              ...told(),
              headers: { 'X-A': told() },
              content: { 'application/json': { schema: { $ref: '#/x/Job' } } },
            },
          },
        },
      },
    },
    components: {
      schemas: {
        Job: {
          ...told(),
          example: { properties: { none: {} } },
          properties: { cost: { $ref: '#/x/Cost' }, gpus: { ...told(), items: { properties: { model: told() } } } },
        },
        Cost: told(),
      },
    },
  })

  it('finds nothing where everything is described', () => {
    assert.deepEqual(undescribed(whole()), { bare: [], looked: 10 })
  })

  const places = [
    ['/paths/~/post/parameters/0', '/paths/~/post/parameters/id'],
    ['/paths/~/post/requestBody', '/paths/~/post/requestBody'],
    ['/paths/~/post/responses/200', '/paths/~/post/responses/200'],
    ['/paths/~/post/responses/200/headers/X-A', '/paths/~/post/responses/200/headers/X-A'],
    ['/components/schemas/Job', '/components/schemas/Job'],
    ['/components/schemas/Job/properties/gpus', '/components/schemas/Job/properties/gpus'],
  ]
  for (const [taken = '', found = ''] of places) {
    it(`names ${found} where its description is taken out`, () => {
      const document = whole()
      // biome-ignore lint/suspicious/noExplicitAny: looked into as JSON
      let node: any = document
      for (const part of taken.split('/').slice(1)) node = node[part === '~' ? '/jobs' : part]
      delete node.description
      assert.deepEqual(undescribed(document).bare, [found.replace('~', '/jobs')])
    })
  }

  it('names a field in a list, and a field whose object says nothing', () => {
    const document = whole()
    document.components.schemas.Job.properties.gpus.items.properties.model.description = ' '
    document.components.schemas.Cost.description = ''
    assert.deepEqual(undescribed(document).bare, [
      '/components/schemas/Cost',
      '/components/schemas/Job/properties/cost',
      '/components/schemas/Job/properties/gpus/items/properties/model',
    ])
  })
})
