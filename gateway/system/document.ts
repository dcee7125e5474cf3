import type { Api } from '../http/feature.ts'

const DESCRIPTION = `Submits jobs to a peer-to-peer market of containers and follows them.

Every answer is \`{ success, data, meta? }\` or \`{ success, error: { code, message, details? } }\`. Times are ISO 8601 in UTC.
Unknown fields and unknown query parameters are refused by name. Each answer bears \`X-Request-Id\`.`

/** The OpenAPI 3.1 document of an API, from the schemas that check its requests. */
function apiDocument(api: Api, version: string) {
  const document = api.getOpenAPI31Document(
    {
      openapi: '3.1.0',
      info: {
        title: 'Cortex gateway',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache 2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      servers: [
        { url: '/api/v1', description: 'This version.' },
        { url: '/api', description: 'The newest version.' },
      ],
      tags: [
        { name: 'Jobs', description: 'Submit jobs and follow them.' },
        { name: 'Templates', description: 'Job configurations to use again.' },
        { name: 'Schedules', description: 'Jobs that run at given times.' },
        { name: 'Batches', description: 'Many jobs at once.' },
        { name: 'Uploads', description: 'Files and folders that are given for jobs to bring.' },
        { name: 'Volumes', description: 'What outlives jobs, for later ones.' },
        { name: 'Providers', description: 'Who sells, at which price.' },
        { name: 'Networks', description: 'The market as a whole.' },
        { name: 'Analytics', description: 'What jobs cost.' },
        { name: 'Events', description: 'What happens, as it happens.' },
        { name: 'Webhooks', description: 'Be told of events.' },
        { name: 'Auth', description: 'Keys, sessions and tokens.' },
        { name: 'System', description: 'The gateway itself.' },
      ],
    },
    { unionPreferredType: 'oneOf' },
  )
  return withPlainPatterns(document)
}

/** The flags of a regular expression that was written out as its text with a slash; slashes of its own are escaped. */
const FLAGS = /(?<=(?<!\\)(?:\\\\)*)\/[a-z]+$/

/** JSON Schema's patterns are Unicode's and have no flags; the generator leaves those of a `RegExp` behind its text. */
function withPlainPatterns<T>(document: T): T {
  return JSON.parse(JSON.stringify(document), (key, value: unknown) =>
    key === 'pattern' && typeof value === 'string' ? value.replace(FLAGS, '') : value,
  )
}

/** Describes the API as it is now: `GET …/openapi.json`. To be added once all routes are there. */
export function addDocument(api: Api, version: string): void {
  describeSecurity(api)
  // Written out once: anybody may ask for it, and it is a megabyte.
  let text: string | undefined
  api.get('/openapi.json', (c) => {
    text ??= JSON.stringify(apiDocument(api, version))
    return c.body(text, 200, { 'Content-Type': 'application/json' })
  })
}

/** Says how one signs in. */
function describeSecurity(api: Api): void {
  api.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'A key: `Authorization: Bearer KEY`.',
  })
  api.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'cortex_session_13000',
    description:
      'The session of a browser that signed in. Its name ends with the port; over TLS it is `__Host-cortex_session`.',
  })
}
