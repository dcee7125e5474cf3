import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gpuRequirementsField } from '../../protocol/job-gpus.ts'

/** Paths and messages of what is refused. */
function refused(fields: object): [string, string][] {
  const { error } = gpuRequirementsField.safeParse(fields)
  return (error?.issues ?? []).map(({ path, message }) => [path.join('.'), message])
}

describe('what no GPU can be', () => {
  const cases: [fields: object, field: string, message: RegExp][] = [
    [{ vendor: 'amd', cuda: '>=12.4' }, 'cuda', /beside vendor "amd".* is of NVIDIA’s alone; leave out one/],
    [{ vendor: 'nvidia', minCompute: 'gfx942' }, 'minCompute', /vendor "nvidia".*"gfx942" is of AMD’s/],
    [{ vendor: 'amd', minCompute: '9.0' }, 'minCompute', /vendor "amd".*"9.0" is of NVIDIA’s/],
    [{ vendor: 'intel', minCompute: '9.0' }, 'minCompute', /vendor "intel"/],
    [{ cuda: '>=12.4', minCompute: 'gfx942' }, 'cuda', /minCompute "gfx942", which means AMD’s/],
    [{ vendor: 'intel', interconnect: 'nvlink' }, 'interconnect', /vendor "intel".*"nvlink" is of NVIDIA’s/],
    [{ vendor: 'nvidia', interconnect: 'xgmi' }, 'interconnect', /"xgmi" is of AMD’s/],
    [{ cuda: '>=12.4', interconnect: 'xgmi' }, 'interconnect', /cuda ">=12.4", which means NVIDIA’s/],
  ]
  for (const [fields, field, message] of cases) {
    it(`is refused by both fields: ${JSON.stringify(fields)}`, () => {
      const [first, ...more] = refused(fields)
      assert.deepEqual(more, [])
      assert.equal(first?.[0], field)
      assert.match(first?.[1] ?? '', message)
    })
  }

  it('is nothing that some are', () => {
    for (const fields of [
      { vendor: 'nvidia', minCompute: '9.0', cuda: '>=12.4', interconnect: 'nvlink' },
      { vendor: 'amd', minCompute: 'gfx942', interconnect: 'xgmi' },
      { vendor: 'intel', interconnect: 'pcie' },
      { cuda: '>=12.4', interconnect: 'pcie' },
    ]) {
      assert.deepEqual(refused(fields), [])
    }
  })
})

it('VRAM without its unit is asked about', () => {
  assert.match(refused({ minVram: 24 })[0]?.[1] ?? '', /from 64Mi to 64Ti: did you mean "24Gi"\?$/)
  assert.match(refused({ minVram: '24576' })[0]?.[1] ?? '', /did you mean "24576Mi"\?$/)
  assert.equal(/did you mean/.test(refused({ minVram: '63Mi' })[0]?.[1] ?? 'did you mean'), false)
  assert.deepEqual(refused({ minVram: 24 * 2 ** 30 }), [])
})

it('several models in one text are refused with how a list is written', () => {
  for (const models of [['h100,a100'], ['h100; a100'], [',']]) {
    assert.deepEqual(refused({ models }), [['models.0', 'must be one model: several are a list, ["h100","a100"]']])
  }
  assert.deepEqual(refused({ models: ['-'] }), [['models.0', 'must name a model, such as "h100"']])
})
