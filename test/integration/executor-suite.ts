import { after, before, describe } from 'node:test'
import { abortingTests } from './executor/aborting.ts'
import { createTestBed, type SuiteEngine, type TestBed } from './executor/bed.ts'
import { isolationTests } from './executor/isolation.ts'
import { listingTests } from './executor/listing.ts'
import { logsTests } from './executor/logs.ts'
import { pullingTests } from './executor/pulling.ts'
import { runningTests } from './executor/running.ts'
import { statsTests } from './executor/stats.ts'
import { stoppingTests } from './executor/stopping.ts'

/** What every container engine has to do, tried on a real one. */
export function executorSuite(name: string, open: () => Promise<SuiteEngine>): void {
  describe(`container engine: ${name}`, () => {
    // Filled before the first test runs; the tests only keep hold of it.
    const bed = {} as TestBed
    before(async () => {
      Object.assign(bed, createTestBed(await open()))
    })
    after(() => bed.clear())

    describe('pulling', () => pullingTests(bed))
    describe('running', () => runningTests(bed))
    describe('stopping', () => stoppingTests(bed))
    describe('logs', () => logsTests(bed))
    describe('stats', () => statsTests(bed))
    describe('aborting', () => abortingTests(bed))
    describe('isolation', () => isolationTests(bed))
    describe('listing', () => listingTests(bed))
  })
}
