/** The arrows of docs/architecture.md. Each rule prints its reason. */
const libs = (names) => `^libs/(${names})/`;
const onlyMayImport = (lib, allowed, why) => ({
  name: `${lib}-arrows`,
  comment: why,
  severity: 'error',
  from: { path: `^libs/${lib}/`, pathNot: '[.]test[.]ts$' },
  to: { path: '^libs/', pathNot: `^libs/(${[lib, ...allowed].join('|')})/` },
});

module.exports = {
  forbidden: [
    { name: 'libs-never-import-apps', comment: 'A library that knows an app cannot serve another.', severity: 'error',
      from: { path: '^libs/' }, to: { path: '^apps/' } },
    { name: 'apps-never-import-apps', comment: 'Apps talk by HTTP, queue and record; what two need is a library.', severity: 'error',
      from: { path: '^apps/([^/]+)/' }, to: { path: '^apps/', pathNot: '^apps/$1/' } },
    { name: 'no-circles', comment: 'Two files that need each other are one file, or hide a third.', severity: 'error',
      from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    onlyMayImport('domain', [], 'The words of the field depend on nothing.'),
    onlyMayImport('scheduling', ['domain'], 'The core knows no database, no clock and no Nest.'),
    onlyMayImport('simulation', ['scheduling', 'domain'], 'The simulator runs the very core that the live scheduler runs.'),
    onlyMayImport('scenarios', ['simulation', 'scheduling', 'contracts', 'domain'],
      'What opens the files of a simulation knows no server: it runs anywhere.'),
    onlyMayImport('contracts', ['domain'], 'Contracts are words, not machinery.'),
    onlyMayImport('database', ['domain'], 'The record knows the domain only.'),
    onlyMayImport('queue', ['contracts', 'domain'], 'Queues carry contracts.'),
    onlyMayImport('engine', ['domain'], 'Drivers know no database.'),
    onlyMayImport('images', ['domain'], 'One door for disk images, usable by any app.'),
    onlyMayImport('config', [], 'Configuration is the first thing a process reads.'),
    onlyMayImport('observability', [], 'Everything may be observed, so it may depend on nothing.'),
    { name: 'pure-core', comment: 'Time, randomness and I/O are arguments here: same input, same answer.', severity: 'error',
      from: { path: libs('domain|scheduling|simulation'), pathNot: '[.]test[.]ts$' },
      to: { dependencyTypes: ['core'] } },
    { name: 'pure-core-packages', comment: 'No framework and no driver in the core.', severity: 'error',
      from: { path: libs('domain|scheduling|simulation'), pathNot: '[.]test[.]ts$' },
      to: { path: 'node_modules/(@nestjs|bullmq|ioredis|pg|@prisma|prom-client|rxjs)' } },
    { name: 'worker-without-database', comment: 'Workers hold no database credentials.', severity: 'error',
      from: { path: '^apps/worker/' }, to: { path: '^libs/database/|node_modules/(pg|@prisma)/' } },
    { name: 'no-tests-in-products', comment: 'A test file is nobody\'s library.', severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '[.]test[.]ts$' }, to: { path: '[.]test[.]ts$|^tests/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'libs/database/src/generated' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
