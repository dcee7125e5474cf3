import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { amount, millicores, seconds } from '../../../node/commands/docker-amounts.ts'
import { type JobFlags, jobFlags, submissionOf } from '../../../node/commands/job-flags.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'

describe('entry 51: flags as Docker takes them', () => {
  const amounts = {
    '512M': '512Mi',
    '2g': '2Gi',
    '64k': '64Ki',
    '1.5G': '1.5Gi',
    '16mb': '16Mi',
    '2GiB': '2Gi',
    '1 GB': '1Gi',
    '512b': '512',
    '512Mi': '512Mi',
    lots: 'lots',
  }
  for (const [text, is] of Object.entries(amounts)) it(`${text} is ${is}`, () => assert.equal(amount(text), is))

  const cores = { '500': 500, '500m': 500, '0.5': 500, '2.0': 2_000, '1.25': 1_250, '0.001': 1 }
  for (const [text, is] of Object.entries(cores)) it(`${text} is ${is}m`, () => assert.equal(millicores(text), is))

  const times = { '600': 600, '90s': 90, '15m': 900, '2h': 7_200, '1d': 86_400 }
  for (const [text, is] of Object.entries(times)) it(`${text} is ${is} s`, () => assert.equal(seconds(text), is))

  it('refuses what is none', () => {
    for (const text of ['0', '0.0', '-1', '1.2345', 'many', '1e3', '']) assert.throws(() => millicores(text), text)
    for (const text of ['0', '-1', '1.5h', '2w', '']) assert.throws(() => seconds(text), text)
  })

  it('makes a valid job of them', () => {
    const words = [
      '-e',
      'A=1',
      '-p',
      '80',
      '--cpu',
      '0.5',
      '--memory',
      '0.0625Gi',
      '--storage',
      '2g',
      '--duration',
      '2h',
    ]
    const command = jobFlags(new Command())
      .argument('[words...]')
      .parse([...words, '--entrypoint', 'sh'], { from: 'user' })
    const job = jobSubmissionSchema.parse(submissionOf('busybox', ['-c', 'true'], command.opts<JobFlags>()))
    const { cpu, memory, storage, duration, env, ports, args } = job
    assert.deepEqual(
      [cpu, memory, storage, duration, env, ports[0]?.port],
      [500, '0.0625Gi', '2Gi', 7_200, { A: '1' }, 80],
    )
    assert.deepEqual([job.command, args], [['sh'], ['-c', 'true']])
  })
})
