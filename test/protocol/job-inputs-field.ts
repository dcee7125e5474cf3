/** What `stdin` takes and refuses. */
export const stdinCases = {
  good: [{ inline: '' }, { inline: 'é\n' }, { upload: `sha256:${'0'.repeat(64)}` }],
  bad: [{}, null, 'text', { inline: 'a', upload: `sha256:${'0'.repeat(64)}` }, { upload: 'sha256:0' }, { path: '/a' }],
}

/** What `inputs` takes and refuses, for `job-spec-fields.ts`. */
export const inputsOf = (badPaths: string[]) => ({
  good: [
    [],
    [{ path: '/etc/app.conf', from: { inline: '' } }],
    [{ path: '/a', from: { inline: 'x'.repeat(65_536) }, mode: 'rw' }],
    [{ path: '/a', from: { upload: `sha256:${'0'.repeat(64)}` }, mode: 'ro' }],
    ['/a', '/ab', '/a-b', '/b/c', '/b/d'].map((path) => ({ path, from: { inline: 'é\n' } })),
    Array.from({ length: 64 }, (_, i) => ({ path: `/in${i}`, from: { inline: 'x' } })),
  ],
  bad: [
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
