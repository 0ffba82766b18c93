import ts from 'typescript';
import { endLine, isReference, lastName, lineOf, numberOf, usesIn } from './syntax.ts';

/**
 * What the import checks cannot see: who may read the time, end the process, read the environment, and how
 * large things get. A rule looks at one node at a time and says what it found there; the remedy is for
 * whoever broke it.
 */
export interface Rule {
  name: string;
  remedy: string;
  appliesTo(path: string): boolean;
  /** What is wrong at this very node (not below it), in words; undefined when nothing is. */
  findsAt(node: ts.Node, source: ts.SourceFile): string | undefined;
}

export const FILE_LINES_MAX = 300;
export const FUNCTION_LINES_MAX = 70;
/** From here on a wait in a test is a guess about speed, not the last step of a poll. */
const TEST_PAUSE_MS = 100;

/** Files that a process starts with: they may act when they are loaded. */
const ENTRY_FILES = ['src/server.ts', 'src/cli/main.ts'];

const CLOCK_READERS = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'Date.now',
  'performance.now',
  'performance.timeOrigin',
  'process.hrtime',
  'AbortSignal.timeout',
  'import node:timers',
  'import node:timers/promises',
  'import node:perf_hooks',
]);

const PROCESS_OWNERS = new Set([
  'process',
  'process.exit',
  'process.exitCode',
  'process.reallyExit',
  'process.abort',
  'process.on',
  'process.once',
  'process.addListener',
  'process.prependListener',
  'process.prependOnceListener',
  'import node:process',
]);

const inSource = (path: string) => path.startsWith('src/') && path.endsWith('.ts');
const inTests = (path: string) => path.startsWith('test/') && path.endsWith('.ts');
const inBench = (path: string) => path.startsWith('bench/') && path.endsWith('.ts');
const inSourceExcept = (...owners: string[]) => {
  const owned = (path: string) =>
    owners.some((owner) => path === owner || (owner.endsWith('/') && path.startsWith(owner)));
  return (path: string) => inSource(path) && !owned(path);
};

const clock: Rule = {
  name: 'clock',
  remedy: 'Take a Clock (src/lib/clock.ts) and use it, so that a test can drive time.',
  appliesTo: inSourceExcept('src/lib/clock.ts'),
  findsAt(node) {
    if (ts.isNewExpression(node) && isNamed(node.expression, 'Date') && !node.arguments?.length) {
      return 'new Date() reads the time';
    }
    if (ts.isCallExpression(node) && isNamed(node.expression, 'Date')) return 'Date() reads the time';
    const found = usesIn(node).find((use) => CLOCK_READERS.has(use));
    return found && `${found} is a timer or reads the time`;
  },
};

const processOwner: Rule = {
  name: 'process-owner',
  remedy:
    'Only src/server.ts and src/cli/ hear signals and end the process: return or throw to them instead.',
  appliesTo: inSourceExcept('src/server.ts', 'src/cli/'),
  findsAt(node) {
    const found = usesIn(node).find((use) => PROCESS_OWNERS.has(use));
    return (
      found && (found === 'process' ? 'process itself is handed on' : `${found} decides about the process`)
    );
  },
};

const environment: Rule = {
  name: 'environment',
  remedy: 'Add a row to the table in src/config/settings.ts and take the value as a parameter.',
  appliesTo: inSourceExcept('src/config/settings.ts'),
  findsAt: (node) => (usesIn(node).includes('process.env') ? 'process.env is read' : undefined),
};

const fileLength: Rule = {
  name: 'file-length',
  remedy: `Split it where it does two things; a file has at most ${FILE_LINES_MAX} lines.`,
  appliesTo: (path) => inSource(path) || inBench(path),
  findsAt(node, source) {
    if (!ts.isSourceFile(node)) return undefined;
    const lines = source.text.trimEnd().split('\n').length;
    return lines > FILE_LINES_MAX ? `the file has ${lines} lines` : undefined;
  },
};

const functionLength: Rule = {
  name: 'function-length',
  remedy: `Name a step of it and move that out; a function has at most ${FUNCTION_LINES_MAX} lines.`,
  appliesTo: (path) => inSource(path) || inBench(path),
  findsAt(node, source) {
    if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) return undefined;
    const lines = endLine(node, source) - lineOf(node, source) + 1;
    return lines > FUNCTION_LINES_MAX ? `the function has ${lines} lines` : undefined;
  },
};

const defaultExport: Rule = {
  name: 'default-export',
  remedy: 'Export it by its name: one thing, one name everywhere.',
  appliesTo: (path) =>
    inSource(path) || inBench(path) || (inTests(path) && path !== 'test/support/reporter.ts'),
  findsAt(node) {
    const marked =
      ts.canHaveModifiers(node) &&
      ts.getModifiers(node)?.some((one) => one.kind === ts.SyntaxKind.DefaultKeyword);
    const renamed = ts.isExportSpecifier(node) && node.name.text === 'default';
    return marked || renamed || ts.isExportAssignment(node) ? 'a default export' : undefined;
  },
};

const barrel: Rule = {
  name: 'barrel',
  remedy: 'Import from the file that declares it.',
  appliesTo: (path) => inSource(path) || inTests(path) || inBench(path),
  findsAt(node) {
    if (ts.isExportDeclaration(node) && node.moduleSpecifier && !node.exportClause)
      return 'export * hides where names come from';
    if (!ts.isSourceFile(node) || node.statements.length === 0) return undefined;
    const onlyPassesOn = node.statements.every((one) => ts.isExportDeclaration(one) && one.moduleSpecifier);
    return onlyPassesOn ? 'the file only re-exports others' : undefined;
  },
};

const moduleState: Rule = {
  name: 'module-state',
  remedy: 'Keep it in what app.ts builds, so that two services in one process do not share it.',
  appliesTo: inSourceExcept(...ENTRY_FILES),
  findsAt(node) {
    if (!ts.isVariableStatement(node) || !ts.isSourceFile(node.parent)) return undefined;
    if (!(node.declarationList.flags & ts.NodeFlags.Const)) return 'a variable of the module';
    const grows = node.declarationList.declarations.some(
      (one) => one.initializer && isEmptyCollection(one.initializer),
    );
    return grows ? 'an empty collection of the module, to be filled later' : undefined;
  },
};

const importEffect: Rule = {
  name: 'import-effect',
  remedy: 'Move it into a function that app.ts or an entry file calls: an import must do nothing.',
  appliesTo: inSourceExcept(...ENTRY_FILES),
  findsAt(node) {
    if (ts.isAwaitExpression(node) && !ts.findAncestor(node, ts.isFunctionLike))
      return 'the module waits while it loads';
    if (ts.isImportDeclaration(node) && !node.importClause) return 'an import for its effect';
    if (!node.parent || !ts.isSourceFile(node.parent) || !ts.isStatement(node)) return undefined;
    return isDeclaration(node) ? undefined : 'the module does something when it is loaded';
  },
};

const patientTest: Rule = {
  name: 'patient-test',
  remedy: 'Wait for a state (eventually, an event, a line of output) instead of for a time.',
  // A fixture is a program under supervision: it may sit there for as long as it likes.
  appliesTo: (path) => inTests(path) && !path.startsWith('test/fixtures/'),
  findsAt(node) {
    if (!ts.isCallExpression(node)) return undefined;
    const called = lastName(node.expression);
    const [first, second, third] = node.arguments;
    if (called === 'setTimeout') {
      // (run, ms) of the global; (ms, value?, { signal }?) of node:timers/promises.
      const pause = Math.max(numberOf(second) ?? 0, third ? 0 : (numberOf(first) ?? 0));
      return pause >= TEST_PAUSE_MS ? `setTimeout of ${pause} ms` : undefined;
    }
    // Not awaited at once, or with a signal, it is a sleep that the test itself ends: a manual clock's, for one.
    const waited =
      ts.isAwaitExpression(node.parent) ||
      ts.isReturnStatement(node.parent) ||
      ts.isArrowFunction(node.parent);
    if (!waited || second || !called || !/^(sleep|delay|pause|wait)(Ms)?$/.test(called)) return undefined;
    const pause = numberOf(first) ?? 0;
    return pause >= TEST_PAUSE_MS ? `${called}(${pause})` : undefined;
  },
};

export const RULES: readonly Rule[] = [
  clock,
  processOwner,
  environment,
  fileLength,
  functionLength,
  defaultExport,
  barrel,
  moduleState,
  importEffect,
  patientTest,
];

function isNamed(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name && isReference(node);
}

function isEmptyCollection(node: ts.Expression): boolean {
  if (ts.isNewExpression(node)) {
    return /^(Weak)?(Map|Set)$/.test(lastName(node.expression) ?? '') && !node.arguments?.length;
  }
  if (ts.isArrayLiteralExpression(node)) return node.elements.length === 0;
  return ts.isObjectLiteralExpression(node) && node.properties.length === 0;
}

function isDeclaration(node: ts.Statement): boolean {
  return (
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    ts.isExportAssignment(node) ||
    ts.isVariableStatement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isModuleDeclaration(node)
  );
}
