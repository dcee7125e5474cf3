/** Words of the flags that say what is sold at which price. */

import { InvalidArgumentError } from 'commander'
import { ISOLATIONS } from '../../protocol/isolation.ts'
import { type NanoUsd, parseUsd } from '../../protocol/money.ts'
import { parseWall, type Wall } from '../isolation/walls.ts'
import type { GpuPrice } from '../prices/price-rules.ts'

/** US dollars, 0 or more. */
export function usd(text: string): NanoUsd {
  const price = parseUsd(text)
  if (price === null) throw new InvalidArgumentError('Give US dollars, 0 or more, such as 0.012.')
  return price
}

/** What one GPU-hour costs: of any, and of the models that have a price of their own. */
export interface GpuPrices {
  any?: NanoUsd
  models: GpuPrice[]
}

/** One price, or several with commas between, as in a variable of the environment. */
export function gpuPrices(text: string, previous: GpuPrices = { models: [] }): GpuPrices {
  const prices: GpuPrices = { ...previous, models: [...previous.models] }
  for (const word of text.split(',')) {
    const [, model, price = ''] = /^(?:([^=]{1,64})=)?([^=]*)$/.exec(word.trim()) ?? []
    const pricePerHour = parseUsd(price)
    if (pricePerHour === null || (model !== undefined && !/[\p{L}\p{N}]/u.test(model))) {
      throw new InvalidArgumentError('Give US dollars, or a model and its price, such as 0.5 or h100=2.10.')
    }
    if (model === undefined) prices.any = pricePerHour
    else prices.models.push({ model, pricePerHour })
  }
  return prices
}

/** One class, or several with commas between, as in a variable of the environment. */
export function isolation(text: string, previous: Wall[] = []): Wall[] {
  const walls = [...previous]
  for (const word of text.split(',')) {
    const wall = parseWall(word.trim())
    if (wall === null) {
      throw new InvalidArgumentError(
        `Write one of ${ISOLATIONS.join(', ')}, the engine's runtime and, if need be, a factor up to 100: gvisor=runsc, vm=kata@1.5.`,
      )
    }
    if (walls.some((one) => one.isolation === wall.isolation)) throw new InvalidArgumentError('Name each class once.')
    walls.push(wall)
  }
  return walls
}
