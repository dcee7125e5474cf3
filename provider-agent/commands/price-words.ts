/** Words of the flags that say what is sold at which price. */

import { InvalidArgumentError } from 'commander'
import { twice } from '../../node/commands/options.ts'
import { isModel } from '../../protocol/gpus.ts'
import { ISOLATIONS } from '../../protocol/isolation.ts'
import { type NanoUsd, parseUsd } from '../../protocol/money.ts'
import { hasOwnKernel, PLAIN_RUNTIMES, parseWall, type Wall } from '../isolation/walls.ts'
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
    if (model === undefined) {
      if (prices.any !== undefined) throw twice('The price of any GPU')
      prices.any = pricePerHour
    } else {
      assertMeant(model, prices.models)
      prices.models.push({ model, pricePerHour })
    }
  }
  return prices
}

/** The first price holds whose model is meant: another of the same, or of a closer name behind it, never would. */
function assertMeant(model: string, before: GpuPrice[]): void {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
  if (before.some((one) => plain(one.model) === plain(model))) throw twice(model)
  const wider = before.find((one) => isModel(model, one.model))
  if (wider === undefined) return
  throw new InvalidArgumentError(`${wider.model} means ${model}, too: give the price of ${model} before it.`)
}

/** One class, or several with commas between, as in a variable of the environment. */
export function isolation(text: string, previous: Wall[] = []): Wall[] {
  const walls = [...previous]
  for (const word of text.split(',')) {
    const wall = parseWall(word.trim())
    if (wall === null) {
      throw new InvalidArgumentError(
        `Write one of ${ISOLATIONS.join(', ')}, the engine's runtime and, if need be, a factor from 0.01 to 100: gvisor=runsc, vm=kata@1.5.`,
      )
    }
    if (hasOwnKernel(wall.isolation) && PLAIN_RUNTIMES.has(wall.runtime ?? '')) {
      throw new InvalidArgumentError(
        `${wall.runtime} runs jobs on this machine's own kernel: for ${wall.isolation} name a runtime that gives them another, such as gvisor=runsc or vm=kata.`,
      )
    }
    if (walls.some((one) => one.isolation === wall.isolation)) throw twice(wall.isolation)
    walls.push(wall)
  }
  return walls
}
