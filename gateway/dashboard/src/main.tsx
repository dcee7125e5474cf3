import './styles/library.css'
import '@mantine/notifications/styles.css'
import './styles/base.css'
import './hands/hands.css'
import './styles/forms.css'
import './styles/charts.css'
import './styles/job-page.css'
import './styles/jobs-table.css'
import './styles/logs.css'
import './styles/tables.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { lazy, StrictMode, Suspense } from 'react'
import { createRoot } from 'react-dom/client'
import { fetchLater } from './app/fetch-later.ts'
import { queryClient } from './app/query.ts'
import { router } from './app/router.tsx'
import { theme, variables } from './app/theme.ts'
import { handOver } from './ui/kept.ts'

const Notifications = lazy(async () => ({ default: (await import('./ui/notifications.tsx')).Notifications }))

handOver()
fetchLater()
const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element #root')
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <Suspense fallback={null}>
        <Notifications position="bottom-right" limit={4} />
      </Suspense>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
