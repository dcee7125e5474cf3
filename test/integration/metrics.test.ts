/** What a gateway tells Prometheus, as Prometheus’s own tool reads it. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { before, describe, it } from 'node:test'
import { canInstall, findProgram, installPackages } from '../../scripts/apt.ts'
import { dashboardMetrics } from '../support/grafana-dashboard.ts'
import { networkAfterJob } from './support/network-after-job.ts'

const canCheck = (await findProgram('promtool')) !== null || (await canInstall())

describe('metrics', {
  skip: canCheck ? false : 'needs promtool, or root and apt-get to install it',
}, () => {
  before(async () => {
    if ((await findProgram('promtool')) === null) await installPackages(['prometheus'], () => {})
  })

  it('pass `promtool check metrics`, those of libp2p included, after a job', async (test) => {
    const network = await networkAfterJob(test)
    const text = await (await fetch(`${network.url}/metrics`)).text()
    for (const name of dashboardMetrics()) {
      assert.match(text, new RegExp(`^# TYPE ${name.replace(/_(bucket|count|sum)$/, '')} `, 'm'), name)
    }
    const { stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    assert.deepEqual([error, stdout, stderr], [undefined, '', ''])
  })
})
