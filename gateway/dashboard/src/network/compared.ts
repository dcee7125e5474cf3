import type { Provider } from '../../../client/index.ts'
import { shownName } from '../../../contract/names.ts'

/** Providers that are compared at most: more columns nobody reads. */
export const MOST_COMPARED = 4

/** What each is called, by its id: with the end of that where another is called the same but for the case of letters. */
export function labelsOf(providers: readonly Pick<Provider, 'id' | 'name'>[]): Map<string, string> {
  const plain = (name: string): string => name.toLowerCase()
  const times = Map.groupBy(providers, ({ name }) => plain(name))
  return new Map(
    providers.map(({ id, name }) => {
      const shown = shownName(name, id)
      const isAlone = times.get(plain(name))?.length === 1 || shown !== name
      return [id, isAlone ? shown : `${shown} …${id.slice(-4)}`]
    }),
  )
}
