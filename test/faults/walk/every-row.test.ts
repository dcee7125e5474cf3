/** That no row of the table is left out of the walk. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { failureKinds } from '../../../protocol/failures.ts'
import type { HostileRegistry } from '../../support/hostile-registry.ts'
import { nameOf } from './support/check-row.ts'
import { engineWays } from './support/engine.ts'
import { imageWays } from './support/images.ts'
import { inputWays } from './support/inputs.ts'
import { marketWays } from './support/market.ts'
import { programWays } from './support/programs.ts'

it('every row of protocol/failures.ts is brought about by one of the tests beside this one', () => {
  const registry = {} as HostileRegistry
  const ways = [imageWays(() => registry), programWays(() => ''), marketWays, inputWays, engineWays(null)]
  assert.deepEqual(ways.flatMap(Object.keys).toSorted(), failureKinds().map(nameOf).toSorted())
})
