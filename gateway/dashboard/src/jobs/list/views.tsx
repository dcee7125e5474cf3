import { Button, Menu } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { meQuery } from '../../app/session.ts'
import { Icon } from '../../ui/icons.tsx'
import { filterOf, type JobFilter } from './filter.ts'

const SaveView = lazy(async () => ({ default: (await import('./save-view.tsx')).SaveView }))

/** Views that this browser keeps for each owner. */
const MOST_VIEWS = 30

interface View {
  name: string
  filter: JobFilter
}

/** Those that everybody has. */
const GIVEN: View[] = [
  { name: 'All jobs', filter: {} },
  { name: 'Under way', filter: { status: ['pending', 'scheduled', 'running'] } },
  { name: 'Failed', filter: { status: ['failed'] } },
  { name: 'Most expensive', filter: { sort: 'cost:desc' } },
  { name: 'Each job of a batch', filter: { fold: false } },
]

/** Filters under a name. Each is an address, which shows the same to whoever else opens it; their names stay in this browser. */
export function Views({ filter }: { filter: JobFilter }) {
  const { data: me } = useQuery(meQuery)
  const [kept, keep] = useLocalStorage<unknown>({
    key: `cortex-views ${me?.id ?? ''}`,
    defaultValue: [],
    getInitialValueInEffect: false,
  })
  const [isNaming, setNaming] = useState(false)
  const [isAsked, setAsked] = useState(false)
  const own = viewsIn(kept)
  const isSame = (view: View) =>
    JSON.stringify(filterOf({ ...view.filter })) === JSON.stringify(filterOf({ ...filter }))
  const current = [...own, ...GIVEN].find(isSame)
  function ask(): void {
    setAsked(true)
    setNaming(true)
  }

  return (
    <>
      <Menu position="bottom-start" withinPortal>
        <Menu.Target>
          <Button
            variant="default"
            rightSection={<Icon name="down" size={14} />}
            aria-label={`View: ${current?.name ?? 'not saved'}`}
          >
            {current?.name ?? 'View'}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {[...GIVEN, ...own].map((view) => (
            <Menu.Item
              key={view.name}
              renderRoot={(props) => <Link to="/jobs" search={view.filter} {...props} />}
              aria-current={view === current ? 'true' : undefined}
            >
              {view.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item disabled={current !== undefined || own.length >= MOST_VIEWS} onClick={ask}>
            Save this view
          </Menu.Item>
          {current !== undefined && own.includes(current) && (
            <Menu.Item onClick={() => keep(own.filter((view) => view !== current))}>Forget this view</Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {isAsked && (
        <Suspense fallback={null}>
          <SaveView
            isOpen={isNaming}
            taken={[...GIVEN, ...own].map(({ name }) => name)}
            onSave={(name) => keep([...own, { name, filter }])}
            onClose={() => setNaming(false)}
          />
        </Suspense>
      )}
    </>
  )
}

/** What of a stored value are views: somebody else may have written there. */
function viewsIn(stored: unknown): View[] {
  if (!Array.isArray(stored)) return []
  return stored.slice(0, MOST_VIEWS).flatMap((view: Partial<View> | null) => {
    if (typeof view?.name !== 'string' || GIVEN.some(({ name }) => name === view.name)) return []
    return [{ name: view.name, filter: filterOf({ ...view.filter }) }]
  })
}
