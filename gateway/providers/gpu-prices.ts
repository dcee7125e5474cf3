import type { providerView } from './view.ts'

/**
 * What a GPU of each model that a provider sells costs an hour, in US dollars, the cheapest where they differ; in the order
 * of the models' names. A GPU whose model is not told costs what `pricing.gpu` says.
 */
export function gpuPrices({ capacity }: Pick<ReturnType<typeof providerView>, 'capacity'>): Record<string, number> {
  const prices = new Map<string, number>()
  for (const { model, pricePerHour } of capacity.total.gpu) {
    if (model !== '') prices.set(model, Math.min(pricePerHour, prices.get(model) ?? pricePerHour))
  }
  return Object.fromEntries([...prices].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
