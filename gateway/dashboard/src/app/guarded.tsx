import { Button } from '@mantine/core'
import { type AsyncRouteComponent, Link } from '@tanstack/react-router'
import type { Permission } from '../../../contract/permissions.ts'
import { Empty } from '../ui/empty.tsx'
import { Page } from '../ui/page.tsx'
import { useMay } from './session.ts'

/** A page with a form, for keys that may submit it; others are told so in place of what they could only fill in. */
export function guarded<P extends object>(
  permission: Permission,
  title: string,
  Content: AsyncRouteComponent<P>,
): AsyncRouteComponent<P> {
  function Guarded(props: P) {
    return useMay(permission) ? <Content {...props} /> : <MayNot permission={permission} title={title} />
  }
  const { preload } = Content
  return preload === undefined ? Guarded : Object.assign(Guarded, { preload })
}

function MayNot({ permission, title }: { permission: Permission; title: string }) {
  return (
    <Page title={title}>
      <Empty
        icon="settings"
        title="Your key may not do this"
        action={
          <Button component={Link} to="/jobs" variant="default">
            To the jobs
          </Button>
        }
      >
        It takes a key with <code className="mono">{permission}</code>.
      </Empty>
    </Page>
  )
}
