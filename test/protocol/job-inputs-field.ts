const JOB = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'

/** Those without secrets, for the rest of the job is none. */
const goodBuckets = [
  { bucket: 'data', key: 'model.bin' },
  { bucket: 'a.b-c', key: '/ünï code\n//x:*', region: 'eu-central-1' },
  { bucket: 'data', key: `k${'n'.repeat(1_023)}`, endpoint: 'https://minio.example.com:9000/s3' },
]
const goodFolders = [
  { bucket: 'data', prefix: '' },
  { bucket: 'data', prefix: 'rows/' },
  { bucket: 'data', prefix: 'rows' },
]
const badBuckets = [
  ...['', 'ab', 'Data', 'a..b', '-ab', 'a/b', 'a@b', 'b?c', 'a'.repeat(64)].map((bucket) => ({ bucket, key: 'a' })),
  ...['', 'rows/', '..', 'a/../b', './a', 'a/.', 'a\0b', '\ud800', 'é'.repeat(513)].map((key) => ({
    bucket: 'data',
    key,
  })),
  ...['../', 'a/./', '\0', 'n'.repeat(1_025)].map((prefix) => ({ bucket: 'data', prefix })),
  ...[
    ...['', 'example.com', 'ftp://example.com', 'https://', 'https://a:b@example.com', 'https://example.com/?a=b'],
    ...['https://example.com/#a', 'https://example.com/%2e%2e', 'https://exa mple.com', 'ftp://example.com'],
  ].map((endpoint) => ({ bucket: 'data', key: 'a', endpoint })),
  ...['', 'EU', 'a.b', 'evil.example/'].map((region) => ({ bucket: 'data', key: 'a', region })),
  ...['AKIAEXAMPLE', '', {}, { secret: '' }, { secret: 'a b' }, { secret: 1 }, null].map((accessKeyId) => {
    return { bucket: 'data', key: 'a', accessKeyId, secretAccessKey: { secret: 'KEY' } }
  }),
  { bucket: 'data', key: 'a', accessKeyId: { secret: 'ID' } },
  { bucket: 'data', key: 'a', secretAccessKey: { secret: 'KEY' } },
  { bucket: 'data', key: 'a', sessionToken: { secret: 'TOKEN' } },
  { bucket: 'data', key: 'a', accessKeyId: { secret: 'NOT_THERE' }, secretAccessKey: { secret: 'NEITHER' } },
  { bucket: 'data' },
  { bucket: 'data', key: 'a', prefix: 'a' },
  { key: 'a' },
  { bucket: 'data', key: 'a', acl: 'x' },
  'data/a',
  null,
].map((s3) => ({ s3 }))

const goodRepositories = [
  { url: 'https://example.com/a.git' },
  { url: 'HTTPS://example.com:8443/a/b%20c/', ref: 'main' },
  ...['v1.0', 'feature/x', 'a'.repeat(40), 'ünï', 'a-b_c', 'refs/heads/main'].map((ref) => ({
    url: 'https://example.com/a',
    ref,
  })),
]
const badRepositories = [
  ...[
    '',
    'example.com/a',
    'http://example.com/a',
    'git://example.com/a',
    'ssh://git@example.com/a',
    'git@example.com:a/b',
  ].map((url) => ({ url })),
  ...[
    'file:///etc',
    'https://me:word@example.com/a',
    'https://example.com/a?b=c',
    'https://example.com/a#main',
    'ext::sh -c id',
  ].map((url) => ({ url })),
  ...[
    '',
    '-x',
    '--upload-pack=x',
    '+main',
    'a:b',
    'a..b',
    'a b',
    'a~1',
    'a^',
    '@',
    'a@{1}',
    '/a',
    'a/',
    'a.',
    'a.lock',
    '.a',
  ].map((ref) => ({ url: 'https://example.com/a', ref })),
  ...['a\n', 'a*', 'a\\b', 'a//b', 'n'.repeat(256)].map((ref) => ({ url: 'https://example.com/a', ref })),
  ...['ghp_x', { secret: 'NOT_THERE' }].map((token) => ({ url: 'https://example.com/a', token })),
  'https://example.com/a',
].map((git) => ({ git }))

/** Where something may come from, and where not. */
const goodSources = [
  ...goodBuckets.map((s3) => ({ s3 })),
  { job: JOB },
  { job: JOB, path: 'out' },
  { job: JOB, path: 'out/ünï code\n/..x/:*' },
  { job: JOB, path: `o/${'n'.repeat(4_000)}` },
]
const badSources = [
  ...badBuckets,
  ...badRepositories,
  { s3: { bucket: 'data', key: 'a' }, sha256: 'ab'.repeat(32) },
  { s3: { bucket: 'data', key: 'a' }, inline: '' },
  ...[
    '',
    'job_',
    'JOB_01K8M3Q7W9X2V5N4C6B8D0F1G3',
    `${JOB}/../x`,
    `${JOB}\n`,
    '../../etc/passwd',
    `job_${'0'.repeat(41)}`,
  ].map((job) => ({ job })),
  ...['', '/', '/out', 'out/', '.', '..', './out', 'out/../x', 'out//x', 'a\0b', '\ud800', 'n'.repeat(4_097)].map(
    (path) => ({
      job: JOB,
      path,
    }),
  ),
  { path: 'out' },
  { inline: '', path: 'out' },
  { upload: `sha256:${'0'.repeat(64)}`, path: 'out' },
  { inline: '', job: JOB },
]

/** What `stdin` takes and refuses. */
export const stdinCases = {
  good: [
    { inline: '' },
    { inline: 'é\n' },
    { upload: `sha256:${'0'.repeat(64)}` },
    { url: 'https://example.com/rows.csv' },
    ...goodSources,
  ],
  bad: [
    ...badSources,
    ...[...goodFolders.map((s3) => ({ s3 })), ...goodRepositories.map((git) => ({ git }))],
    {},
    null,
    'text',
    { inline: 'a', upload: `sha256:${'0'.repeat(64)}` },
    { upload: 'sha256:0' },
    { path: '/a' },
  ],
}

/** What `imageFrom` takes and refuses. */
export const imageFromCases = {
  good: [{ upload: `sha256:${'0'.repeat(64)}` }],
  bad: [
    {},
    null,
    `sha256:${'0'.repeat(64)}`,
    { upload: 'busybox' },
    { upload: `sha256:${'A'.repeat(64)}` },
    { inline: '{}' },
  ],
}

/** What `inputs` takes and refuses, for `job-spec-fields.ts`. */
export const inputsOf = (badPaths: string[]) => ({
  good: [
    [],
    [{ path: '/etc/app.conf', from: { inline: '' } }],
    [{ path: '/a', from: { inline: 'x'.repeat(65_536) }, mode: 'rw' }],
    [{ path: '/a', from: { upload: `sha256:${'0'.repeat(64)}` }, mode: 'ro' }],
    ...[...goodSources, ...goodFolders.map((s3) => ({ s3 })), ...goodRepositories.map((git) => ({ git }))].map(
      (from) => [{ path: '/in', from }],
    ),
    ['/a', '/ab', '/a-b', '/b/c', '/b/d'].map((path) => ({ path, from: { inline: 'é\n' } })),
    Array.from({ length: 64 }, (_, i) => ({ path: `/in${i}`, from: { inline: 'x' } })),
    ...[
      { url: 'https://example.com' },
      { url: 'HTTPS://Example.com:8443/a:b/%C3%BC?x=1&y=/z', sha256: 'ab'.repeat(32) },
      { url: 'http://example.com/a', sha256: 'ab'.repeat(32) },
      { url: `https://example.com/${'a'.repeat(4_076)}` },
    ].map((from) => [{ path: '/a', from, mode: 'rw' }]),
  ],
  bad: [
    ...badSources.map((from) => [{ path: '/in', from }]),
    ...badPaths.map((where) => [{ path: where, from: { inline: '' } }]),
    ...[
      {},
      { inline: 1 },
      { inline: 'x'.repeat(65_537) },
      { inline: 'é'.repeat(32_769) },
      { inline: '\ud800' },
      null,
    ].map((from) => [{ path: '/a', from }]),
    ...['', 'sha256:', 'a'.repeat(64), `sha256:${'A'.repeat(64)}`, `sha512:${'0'.repeat(64)}`].map((upload) => [
      { path: '/a', from: { upload } },
    ]),
    [{ path: '/a', from: { inline: '', upload: `sha256:${'0'.repeat(64)}` } }],
    ...[
      ...['', 'example.com', '//example.com/a', 'ftp://example.com/a', 'file:///etc/passwd', 'https://', 'https:///'],
      ...[
        'https://user@example.com/',
        'https://user:word@example.com/',
        'https://:word@example.com/',
        'https://é.com/',
      ],
      ...[
        'https://example.com/a b',
        'https://example.com/\n',
        ' https://example.com/',
        'https://example.com/#sha256=ab',
      ],
      ...[
        'https://example.com:99999/',
        'https://[::1',
        'http://example.com/a',
        `https://example.com/${'a'.repeat(4_077)}`,
      ],
    ].map((url) => [{ path: '/a', from: { url } }]),
    ...['', 'AB'.repeat(32), 'ab'.repeat(31), `sha256:${'ab'.repeat(32)}`].map((sha256) => [
      { path: '/a', from: { url: 'https://example.com/a', sha256 } },
    ]),
    [{ path: '/a', from: { sha256: 'ab'.repeat(32) } }],
    [{ path: '/a', from: { inline: '', sha256: 'ab'.repeat(32) } }],
    [{ path: '/a', from: { inline: '', url: 'https://example.com/a' } }],
    [{ path: '/a', from: { inline: '' }, mode: 'wo' }],
    [{ path: '/a', from: { inline: '' }, name: 'x' }],
    ['/a', '/a'].map((where) => ({ path: where, from: { inline: '' } })),
    ['/a', '/a/b'].map((where) => ({ path: where, from: { inline: '' } })),
    ['/b/a/c', '/b'].map((where) => ({ path: where, from: { inline: '' } })),
    Array.from({ length: 65 }, (_, i) => ({ path: `/in${i}`, from: { inline: 'x' } })),
    {},
    null,
  ],
})
