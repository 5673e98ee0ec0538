/**
 * Which way things point (docs/ARCHITECTURE.md). Each rule has a planted violation in test/dependency-rules/planted.
 * Specs, fixtures and type-only imports count too, unless a rule says otherwise.
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Also not of types: two files that need each other are one, or lack a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'Nothing imports it and it imports nothing.',
      severity: 'error',
      from: { orphan: true },
      to: {},
    },
    {
      name: 'no-unresolvable-imports',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-deprecated-node-modules',
      comment: 'https://nodejs.org/api/deprecations.html',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['core'], path: '^(node:)?(punycode|domain|constants|sys|_.+)$' },
    },
    {
      name: 'no-barrels',
      comment: 'Import the file that has it.',
      severity: 'error',
      from: {},
      to: { path: '^src/.*/index\\.ts$' },
    },
    {
      name: 'common-is-a-leaf',
      severity: 'error',
      from: { path: '^src/common/' },
      to: { path: '^(src|migrations)/', pathNot: '^src/common/' },
    },
    {
      name: 'foundation-knows-no-feature',
      comment: 'The schema, migrations, belongs to the foundation.',
      severity: 'error',
      from: { path: '^src/(config|infrastructure|embedded)/' },
      to: { path: '^src/', pathNot: '^src/(common|config|infrastructure|embedded)/' },
    },
    {
      name: 'providers-know-no-feature',
      comment: 'Nor the settings: what a provider needs comes in its connection.',
      severity: 'error',
      from: { path: '^src/llm-providers/' },
      to: { path: '^src/', pathNot: '^src/(common|infrastructure|llm-providers)/' },
    },
    {
      name: 'generation-is-above-threads-messages-and-models',
      severity: 'error',
      from: { path: '^src/(threads|messages|models)/' },
      to: { path: '^src/generation/' },
    },
    {
      name: 'wire-is-imported-by-nobody',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(wire/|app\\.module\\.ts$)' },
      to: { path: '^src/wire/' },
    },
    {
      name: 'embedded-is-for-booting',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(embedded/|boot\\.ts$)' },
      to: { path: '^src/embedded/' },
    },
    {
      name: 'process-input-is-for-entry-points',
      comment: 'Everything else has settings injected.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main|cli|config/write-documentation)\\.ts$' },
      to: { path: '^src/config/process-input\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'controllers-reach-rows-through-services',
      severity: 'error',
      from: { path: '\\.controller\\.ts$' },
      to: { path: '\\.(repository|entity)\\.ts$' },
    },
    {
      name: 'repositories-stay-in-their-room',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/.+\\.repository\\.ts$', pathNot: '^src/$1/' },
    },
    {
      name: 'entities-stay-in-their-room',
      comment: "As a type it may leave: it is what a service answers to the other room's services.",
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/.+\\.entity\\.ts$', pathNot: '^src/$1/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'rules-know-no-http',
      comment: 'Express is for controllers, guards and infrastructure/http.',
      severity: 'error',
      from: { path: '\\.(service|repository|entity)\\.ts$|^src/(common|llm-providers|generation)/' },
      to: { path: '(^|/)node_modules/(@types/)?express/' },
    },
    {
      name: 'queries-stay-in-repositories',
      comment:
        'Modules register entities. generation/journal.ts and generation/replicas.ts are the repositories of their tables: what they do is more than to query them, hence no such name. users/last-admin.ts is a question that several services ask in transactions of their own.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '\\.(repository|entity|module|service)\\.ts$',
          '^src/infrastructure/(database|events)/',
          '^src/generation/(journal|replicas)\\.ts$',
          '^src/users/last-admin\\.ts$',
        ],
      },
      to: { path: '(^|/)node_modules/(@nestjs/)?typeorm/' },
    },
    {
      name: 'services-only-pass-transactions-on',
      comment: '`import type { EntityManager }` names the transaction that a repository is to work in.',
      severity: 'error',
      from: { path: '\\.service\\.ts$' },
      to: { path: '(^|/)node_modules/(@nestjs/)?typeorm/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'production-imports-no-test-code',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '\\.spec\\.ts$|/__fixtures__/' },
      to: { path: '^(test|bench)/|\\.spec\\.ts$|/__fixtures__/' },
    },
    {
      name: 'production-imports-no-development-dependency',
      comment: 'None is installed there (Dockerfile).',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '\\.spec\\.ts$|/__fixtures__/|^src/embedded/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'embedded-imports-development-dependencies-late',
      comment:
        'Production loads src/embedded/, too, and starts nothing of it: import() what is not installed there.',
      severity: 'error',
      from: { path: '^src/embedded/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'type-import'], dynamic: false },
    },
  ],
  options: {
    exclude: { path: '^(dist|test/dependency-rules/planted)/' },
    doNotFollow: { path: 'node_modules' },
    // Sees type-only imports.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'require', 'default', 'types'],
    },
  },
};
