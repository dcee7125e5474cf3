import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { UnauthorizedError } from '../../../client/errors.ts'
import { type Zoom, zoomOf } from '../charts/time-range.ts'
import { type CostsSearch, costsSearchOf } from '../costs/costs-search.ts'
import { filterOf, type JobFilter } from '../jobs/list/filter.ts'
import { type LogSearch, logSearchOf } from '../jobs/logs/log-search.ts'
import { isOwned } from '../ui/kept.ts'
import { Outline } from '../ui/loaded.tsx'
import { Page } from '../ui/page.tsx'
import { FailedPage, FailedRoot, NoPage } from './error-page.tsx'
import { guarded } from './guarded.tsx'
import { onSessionEnd, queryClient } from './query.ts'
import { meQuery } from './session.ts'
import { Shell } from './shell.tsx'

const root = createRootRoute({ component: Outlet, notFoundComponent: NoPage, errorComponent: FailedRoot })

interface LoginSearch {
  /** Where to go afterwards: a path of this page. */
  from?: string
  reason?: string
}

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: lazyRouteComponent(() => import('./login-page.tsx'), 'LoginPage'),
  validateSearch: ({ from, reason }: Record<string, unknown>): LoginSearch => ({
    ...(typeof from === 'string' && /^\/(?![/\\])/.test(from) ? { from } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
  }),
})

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  component: Shell,
  async beforeLoad({ location }) {
    try {
      await queryClient.ensureQueryData(meQuery)
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      throw redirect({ to: '/login', search: location.href === '/' ? {} : { from: location.href } })
    }
  },
})

const home = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/jobs' })
  },
})

/** A page whose heading is known: it is there while the rest of the page is fetched. */
function headed(title: string) {
  return {
    pendingComponent: () => (
      <Page title={title}>
        <Outline rows={8} />
      </Page>
    ),
    pendingMs: 50,
    pendingMinMs: 0,
  }
}

const jobs = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs',
  validateSearch: (search: Record<string, unknown>): JobFilter => filterOf(search),
  ...headed('Jobs'),
  component: lazyRouteComponent(() => import('../jobs/list/jobs-page.tsx'), 'JobsPage'),
})

/** One word of the address's search. */
const word =
  <const N extends string>(name: N) =>
  (search: Record<string, unknown>): Partial<Record<N, string>> =>
    typeof search[name] === 'string' ? ({ [name]: search[name] } as Partial<Record<N, string>>) : {}

const createJob = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/create',
  validateSearch: (search: Record<string, unknown>) => ({
    ...word('template')(search),
    ...word('job')(search),
    ...word('volume')(search),
    ...word('upload')(search),
    ...word('machine')(search),
  }),
  component: guarded(
    'jobs:write',
    'Create Job',
    lazyRouteComponent(() => import('../jobs/form/create-job-page.tsx'), 'CreateJobPage'),
  ),
})

const compareJobs = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/compare',
  validateSearch: (search: Record<string, unknown>) => ({ ...word('a')(search), ...word('b')(search) }),
  component: lazyRouteComponent(() => import('../jobs/compare/compare-page.tsx'), 'ComparePage'),
})

/** Which tab of a job, of its metrics which time, and of its log which lines. */
interface JobSearch extends LogSearch, Zoom {
  tab?: string | undefined
  period?: string | undefined
}

const job = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/$jobId',
  validateSearch: (search: Record<string, unknown>): JobSearch => ({
    ...word('tab')(search),
    ...word('period')(search),
    ...zoomOf(search),
    ...logSearchOf(search),
  }),
  component: lazyRouteComponent(() => import('../jobs/page/job-page.tsx'), 'JobPage'),
})

const templates = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/templates',
  ...headed('Templates'),
  component: lazyRouteComponent(() => import('../templates/templates-page.tsx'), 'TemplatesPage'),
})
const createTemplate = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/templates/create',
  component: guarded(
    'templates:write',
    'Create Template',
    lazyRouteComponent(() => import('../templates/template-form-page.tsx'), 'CreateTemplatePage'),
  ),
})
const editTemplate = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/templates/$templateId',
  component: lazyRouteComponent(() => import('../templates/template-form-page.tsx'), 'EditTemplatePage'),
})

const batches = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/batches',
  ...headed('Batches'),
  component: lazyRouteComponent(() => import('../batches/batches-page.tsx'), 'BatchesPage'),
})
const createBatch = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/batches/create',
  component: guarded(
    'jobs:write',
    'Create Batch',
    lazyRouteComponent(() => import('../batches/create-batch-page.tsx'), 'CreateBatchPage'),
  ),
})

const batch = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/batches/$batchId',
  validateSearch: (search: Record<string, unknown>) => ({ ...word('outcome')(search), ...word('as')(search) }),
  component: lazyRouteComponent(() => import('../batches/batch-page.tsx'), 'BatchPage'),
})

const schedules = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/schedules',
  ...headed('Schedules'),
  component: lazyRouteComponent(() => import('../schedules/schedules-page.tsx'), 'SchedulesPage'),
})
const createSchedule = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/schedules/create',
  component: guarded(
    'jobs:write',
    'Create Schedule',
    lazyRouteComponent(() => import('../schedules/schedule-form-page.tsx'), 'CreateSchedulePage'),
  ),
})
const schedule = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/schedules/$scheduleId',
  component: lazyRouteComponent(() => import('../schedules/schedule-page.tsx'), 'SchedulePage'),
})
const editSchedule = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/schedules/$scheduleId/edit',
  component: guarded(
    'jobs:write',
    'Change Schedule',
    lazyRouteComponent(() => import('../schedules/schedule-form-page.tsx'), 'EditSchedulePage'),
  ),
})

const volumes = createRoute({
  getParentRoute: () => signedIn,
  path: '/volumes',
  ...headed('Volumes'),
  component: lazyRouteComponent(() => import('../volumes/volumes-page.tsx'), 'VolumesPage'),
})

const volume = createRoute({
  getParentRoute: () => signedIn,
  path: '/volumes/$volumeId',
  component: lazyRouteComponent(() => import('../volumes/volume-page.tsx'), 'VolumePage'),
})
const uploads = createRoute({
  getParentRoute: () => signedIn,
  path: '/uploads',
  ...headed('Uploads'),
  component: lazyRouteComponent(() => import('../uploads/uploads-page.tsx'), 'UploadsPage'),
})

const network = createRoute({
  getParentRoute: () => signedIn,
  path: '/network',
  validateSearch: word('region'),
  ...headed('Network'),
  component: lazyRouteComponent(() => import('../network/network-page.tsx'), 'NetworkPage'),
})
const compareProviders = createRoute({
  getParentRoute: () => signedIn,
  path: '/network/compare',
  validateSearch: word('ids'),
  component: lazyRouteComponent(() => import('../network/compare-providers-page.tsx'), 'CompareProvidersPage'),
})
const provider = createRoute({
  getParentRoute: () => signedIn,
  path: '/network/$providerId',
  component: lazyRouteComponent(() => import('../network/provider-page.tsx'), 'ProviderPage'),
})
const costs = createRoute({
  getParentRoute: () => signedIn,
  path: '/costs',
  validateSearch: (search: Record<string, unknown>): CostsSearch => costsSearchOf(search),
  ...headed('Costs'),
  component: lazyRouteComponent(() => import('../costs/costs-page.tsx'), 'CostsPage'),
})
const settings = createRoute({
  getParentRoute: () => signedIn,
  path: '/settings',
  validateSearch: word('tab'),
  ...headed('Settings'),
  component: lazyRouteComponent(() => import('../settings/settings-page.tsx'), 'SettingsPage'),
})
const webhook = createRoute({
  getParentRoute: () => signedIn,
  path: '/settings/webhooks/$webhookId',
  component: lazyRouteComponent(() => import('../settings/webhook-page.tsx'), 'WebhookPage'),
})

const pages = [
  home,
  jobs,
  createJob,
  compareJobs,
  job,
  templates,
  createTemplate,
  editTemplate,
  batches,
  createBatch,
  batch,
  schedules,
] as const
const more = [createSchedule, schedule, editSchedule, volumes, volume, uploads] as const
const market = [network, compareProviders, provider, costs, settings, webhook] as const

/** The pages by their paths; all but the login ask first who is signed in. */
export const router = createRouter({
  routeTree: root.addChildren([login, signedIn.addChildren([...pages, ...more, ...market])]),
  defaultPreload: 'intent',
  defaultPendingComponent: Outline,
  defaultErrorComponent: FailedPage,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

onSessionEnd(() => {
  const { pathname, href } = router.state.location
  if (pathname === '/login') return
  queryClient.removeQueries({ queryKey: meQuery.queryKey })
  void router.navigate({ to: '/login', search: { from: href, ...(isOwned() ? { reason: 'expired' } : {}) } })
})
