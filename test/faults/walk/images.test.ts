import { after, before } from 'node:test'
import { type HostileRegistry, startHostileRegistry } from '../../support/hostile-registry.ts'
import { imageSellers, imageWays } from './support/images.ts'
import { openWalkMarket } from './support/stage.ts'
import { walk } from './support/walk.ts'

const registry = {} as HostileRegistry

before(async () => void Object.assign(registry, await startHostileRegistry()))
after(async () => await registry.close())

walk(
  'images',
  async () => await openWalkMarket(imageSellers(registry)),
  imageWays(() => registry),
)
