import { useQuery } from '@tanstack/react-query'
import { type LinkProps, useNavigate } from '@tanstack/react-router'
import { shownName } from '../../../contract/names.ts'
import { client } from '../app/client.ts'
import { SECTIONS } from '../app/nav.tsx'
import { useMay } from '../app/session.ts'
import { providersQuery } from '../jobs/queries.ts'
import { schedulesQuery } from '../schedules/queries.ts'
import { useSettingsTabs } from '../settings/tabs.ts'
import { templatesQuery } from '../templates/queries.ts'
import type { IconName } from '../ui/icons.tsx'
import { keptVolumes } from '../volumes/queries.ts'

/** Something that one can go to. */
export interface Place {
  /** Of its own among all. */
  id: string
  group: 'Jobs' | 'Actions' | 'Pages' | 'Templates' | 'Schedules' | 'Volumes' | 'Providers'
  label: string
  /** Beside the label. */
  hint?: string | undefined
  icon: IconName
  go(): void
}

/** Jobs asked for. */
const MOST_JOBS = 8
/** Of every other kind. */
const MOST = 6

/**
 * What a text leads to: jobs by what the gateway searches in them, all else by its name.
 * @param settled the text of a moment ago, for which the gateway is asked
 */
export function usePlaces(text: string, settled: string): { places: Place[]; isSearching: boolean } {
  const navigate = useNavigate()
  const q = settled.trim()
  const [mayWrite, maySeeTemplates, maySeeProviders] = [
    useMay('jobs:write'),
    useMay('templates:read'),
    useMay('providers:read'),
  ]
  const maySeeJobs = useMay('jobs:read')
  const jobs = useQuery({
    queryKey: ['anything', q],
    queryFn: async ({ signal }) =>
      (await client.jobs.list({ ...(q === '' ? {} : { q }), limit: MOST_JOBS }, { signal })).items,
    enabled: maySeeJobs,
  })
  const templates = useQuery({ ...templatesQuery, enabled: maySeeTemplates })
  const schedules = useQuery({ ...schedulesQuery, enabled: maySeeJobs })
  const volumes = useQuery({ ...keptVolumes, enabled: maySeeJobs })
  const providers = useQuery({ ...providersQuery, enabled: maySeeProviders, refetchInterval: false })
  const tabs = useSettingsTabs()

  const to = (link: LinkProps) => () => void navigate(link as Parameters<typeof navigate>[0])
  const place = (group: Place['group'], id: string, label: string, icon: IconName, link: LinkProps, hint?: string) => ({
    ...{ id: `${group} ${id}`, group, label, icon, hint },
    go: to(link),
  })

  const named: Place[] = [
    ...(mayWrite ? ACTIONS.map(({ label, icon, ...link }) => place('Actions', label, label, icon, link)) : []),
    ...SECTIONS.flatMap(({ links }) => links).map(({ to: path, label, icon }) =>
      place('Pages', path, label, icon, { to: path } as LinkProps),
    ),
    ...tabs.map(({ value, label }) =>
      place('Pages', value, label, 'settings', { to: '/settings', search: { tab: value } }, 'Settings'),
    ),
    { id: 'docs', group: 'Pages', label: 'Documentation', icon: 'docs', go: () => location.assign('/docs/') },
    ...(text.trim() === '' ? [] : found()),
  ]

  function found(): Place[] {
    return [
      ...(templates.data ?? []).map(({ id, name }) =>
        place('Templates', id, name, 'templates', { to: '/jobs/templates/$templateId', params: { templateId: id } }),
      ),
      ...(schedules.data ?? []).map(({ id, name }) =>
        place('Schedules', id, name, 'schedules', { to: '/jobs/schedules/$scheduleId', params: { scheduleId: id } }),
      ),
      ...(volumes.data ?? []).map(({ id, name }) =>
        place('Volumes', id, name, 'volumes', { to: '/volumes/$volumeId', params: { volumeId: id } }, id),
      ),
      ...(providers.data ?? []).map(({ id, name }) =>
        place(
          ...(['Providers', id, shownName(name, id), 'network'] as const),
          { to: '/network/$providerId', params: { providerId: id } },
          `…${id.slice(-8)}`,
        ),
      ),
    ]
  }

  const ofJobs = (jobs.data ?? []).map(({ id = '', name, image = '', status }) =>
    place(
      ...(['Jobs', id, name ?? image, 'jobs'] as const),
      { to: '/jobs/$jobId', params: { jobId: id } },
      `${status} · …${id.slice(-8)}`,
    ),
  )
  const groups = Map.groupBy(named.filter(isMeant(text)), ({ group }) => group)
  const { Actions = [], Pages = [], ...others } = Object.fromEntries(groups)
  return {
    // What is known at once comes first, so that Enter leads nowhere else when the gateway answers.
    places: [
      ...Actions,
      ...Pages,
      ...(settled === text ? ofJobs : []),
      ...Object.values(others).flatMap((some) => some.slice(0, MOST)),
    ],
    isSearching: jobs.isFetching,
  }
}

const ACTIONS = [
  { label: 'Create Job', icon: 'plus', to: '/jobs/create' },
  { label: 'Create Batch', icon: 'plus', to: '/jobs/batches/create' },
  { label: 'Create Schedule', icon: 'plus', to: '/jobs/schedules/create' },
  { label: 'Create a machine to work in', icon: 'terminal', to: '/jobs/create', search: { machine: 'yes' } },
] as const

/** Whether a place has all words of a text. */
function isMeant(text: string): (place: Place) => boolean {
  const words = text.trim().toLowerCase().split(/\s+/)
  return ({ group, id, label }) => {
    const all = `${group} ${label} ${id}`.toLowerCase()
    return words.every((word) => all.includes(word))
  }
}
