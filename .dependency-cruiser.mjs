/**
 * The directions of the house, for dependency-cruiser. A part of src/ may import itself and whatever stands on a
 * lower step, types included; parts of one step do not know each other.
 */
const steps = [
  ['lib', 'version'],
  ['telemetry', 'config', 'store'],
  ['processes', 'campfire', 'mail', 'downloads'],
  ['agent'],
  ['sessions'],
  ['turns'],
  ['console'],
  ['http'],
  ['app'],
  ['server'],
  ['cli'],
];

/** A part is a folder or a single file. */
const pathOf = (parts) => `^src/(${parts.join('|')})(/|\\.ts$)`;
const everyPart = [...steps.flat(), 'playground'];
const inNodeModules = (name) => `(^|/)node_modules/${name}`;

const directions = steps.flatMap((step, height) =>
  step.map((part) => {
    const allowed = [part, ...steps.slice(0, height).flat(), ...(part === 'cli' ? ['playground'] : [])];
    return {
      name: `${part}-imports-downward`,
      comment: `src/${part} may import ${allowed.slice(1).join(', ') || 'nothing else of src'}: pass the value in, or move what is shared down.`,
      severity: 'error',
      from: { path: pathOf([part]) },
      to: { path: '^src/', pathNot: pathOf(allowed) },
    };
  }),
);

/** Who alone may import something from outside. */
const monopoly = (name, owner, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: owner },
  to,
});

const monopolies = [
  monopoly(
    'one-agent-sdk',
    '^src/agent/sdk\\.ts$',
    { path: inNodeModules('@anthropic-ai/claude-agent-sdk') },
    'Only src/agent/sdk.ts knows the SDK: everything else speaks the contract of src/agent/agent.ts.',
  ),
  monopoly(
    'one-child-process',
    '^src/processes/',
    { path: '^(node:)?(child_process|cluster)$' },
    'Only src/processes/ starts processes: a process that it does not know is one that nobody ends.',
  ),
  monopoly(
    'one-store',
    '^src/store/',
    { path: `^(node:)?sqlite$|${inNodeModules('(bullmq|ioredis|redis|@redis|iovalkey)(/|$)')}` },
    'Only src/store/ opens a database or a connection to Redis.',
  ),
  monopoly(
    'one-scripted-model',
    '^src/playground/',
    { path: inNodeModules('@copilotkit/aimock') },
    'The scripted model belongs to the playground.',
  ),
];

export default {
  forbidden: [
    ...directions,
    ...monopolies,
    {
      name: 'playground-imports-lib',
      comment:
        'src/playground may import src/lib only: it stands for Campfire, so it must not share our idea of it.',
      severity: 'error',
      from: { path: pathOf(['playground']) },
      to: { path: '^src/', pathNot: pathOf(['lib', 'playground']) },
    },
    {
      name: 'no-part-without-a-step',
      comment: 'A new part of src/ needs its step in .dependency-cruiser.mjs.',
      severity: 'error',
      from: { path: '^src/', pathNot: pathOf(everyPart) },
      to: {},
    },
    {
      name: 'source-knows-no-test',
      comment: 'What both need belongs to src/.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench)/' },
    },
    {
      name: 'one-baseline',
      comment:
        'Only bench/stage/raw-host.ts uses the SDK by itself: it is what the product is measured against.',
      severity: 'error',
      from: { path: '^(bench|test|scripts)/', pathNot: '^bench/stage/raw-host\\.ts$' },
      to: { path: inNodeModules('@anthropic-ai/claude-agent-sdk') },
    },
    {
      name: 'no-cycle',
      comment:
        'Move what both need into a file below them. A cycle of types counts: it is read as one tangle.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphan',
      comment:
        'Neither the server, nor the command line, nor a script reaches this file: use it or delete it.',
      severity: 'error',
      from: { path: '^(src/server|src/cli/main|scripts/.*)\\.(ts|mjs)$' },
      to: { path: '^src/.*\\.ts$', pathNot: '^src/(server|cli/main)\\.ts$', reachable: false },
    },
    {
      name: 'resolvable',
      comment: 'There is no such file or package.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'in-package-json',
      comment: 'It is there by accident of another package: add it to package.json.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-dev-dependency',
      comment:
        'Production installs without development dependencies. Only the playground may use them, loaded when asked for.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/playground/' },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: inNodeModules('@types/'),
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    moduleSystems: ['es6'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
