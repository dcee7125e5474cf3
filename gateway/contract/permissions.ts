/** What a key may do. `X:*` stands for every permission of X; `admin` for everything, over every owner. */
export const PERMISSIONS = [
  'jobs:read',
  'jobs:write',
  'templates:read',
  'templates:write',
  'webhooks:read',
  'webhooks:write',
  'providers:read',
  'providers:write',
  'keys:read',
  'keys:write',
  'admin',
] as const
/** What one operation needs of a key. */
export type Permission = (typeof PERMISSIONS)[number]

const GROUPS = ['jobs:*', 'templates:*', 'webhooks:*', 'providers:*', 'keys:*'] as const

/** What can be granted to a key. */
export const GRANTS = [...PERMISSIONS, ...GROUPS] as const
/** What a key is given: a permission, or all those of a group. */
export type Grant = (typeof GRANTS)[number]

/** What a key gets where nothing else is asked for. */
export const DEFAULT_GRANTS: readonly Grant[] = ['jobs:*', 'templates:*', 'webhooks:*', 'providers:read']

/** Whether grants include a permission, by its name, its group or `admin`. */
export function allows(grants: readonly Grant[], permission: Permission): boolean {
  const group = `${permission.split(':')[0]}:*`
  return grants.some((grant) => grant === 'admin' || grant === permission || grant === group)
}

/** Whether everything in `wanted` is within `own`: nobody hands out more than they have. */
export function covers(own: readonly Grant[], wanted: readonly Grant[]): boolean {
  return wanted.every((grant) => {
    if (!grant.endsWith(':*')) return allows(own, grant as Permission)
    const group = grant.slice(0, -1)
    return PERMISSIONS.filter((permission) => permission.startsWith(group)).every((one) => allows(own, one))
  })
}
