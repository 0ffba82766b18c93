import ts from 'typescript';

/** Reading one node of a source file; no types are known here, only the words that were written. */

/** The built-in objects whose members somebody owns. */
const WATCHED_OBJECTS = new Set(['process', 'Date', 'performance', 'AbortSignal']);
/** The built-in functions that somebody owns, and the object that must not be handed on whole. */
const WATCHED_NAMES = new Set(['setTimeout', 'setInterval', 'setImmediate', 'process']);

/** The owned built-ins used at this very node: `process.env`, `setTimeout`, `import node:timers`. */
export function usesIn(node: ts.Node): string[] {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return [`import node:${node.moduleSpecifier.text.replace(/^node:/, '')}`];
  }
  const member = memberName(node);
  if (member) {
    const object = lastName(member.object) ?? '';
    if (object === 'globalThis') return WATCHED_NAMES.has(member.name) ? [member.name] : [];
    return WATCHED_OBJECTS.has(object) && isGlobal(member.object) ? [`${object}.${member.name}`] : [];
  }
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name))
    return destructuredFrom(node, node.name);
  if (!ts.isIdentifier(node) || !WATCHED_NAMES.has(node.text) || !isReference(node)) return [];
  return isTakenApart(node) ? [] : [node.text];
}

/** Whether the identifier stands for a value here, rather than naming a property, a declaration or a type. */
export function isReference(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isTypeQueryNode(parent) || ts.isQualifiedName(parent) || ts.isTypeReferenceNode(parent))
    return false;
  if ('propertyName' in parent && parent.propertyName === node) return false;
  if ('name' in parent && parent.name === node) return ts.isShorthandPropertyAssignment(parent);
  return true;
}

/** `sleep` for `sleep(…)` and for `clock.sleep(…)`. */
export function lastName(node: ts.Expression): string | undefined {
  if (ts.isIdentifier(node)) return node.text;
  return ts.isPropertyAccessExpression(node) ? node.name.text : undefined;
}

/** The value of a number written out: `500`, `5_000`, `60 * 1000`. */
export function numberOf(node: ts.Expression | undefined): number | undefined {
  if (!node) return undefined;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isParenthesizedExpression(node)) return numberOf(node.expression);
  if (!ts.isBinaryExpression(node)) return undefined;
  const left = numberOf(node.left);
  const right = numberOf(node.right);
  if (left === undefined || right === undefined) return undefined;
  if (node.operatorToken.kind === ts.SyntaxKind.AsteriskToken) return left * right;
  return node.operatorToken.kind === ts.SyntaxKind.PlusToken ? left + right : undefined;
}

export function lineOf(node: ts.Node, source: ts.SourceFile): number {
  if (ts.isSourceFile(node)) return 1;
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

export function endLine(node: ts.Node, source: ts.SourceFile): number {
  return source.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
}

function memberName(node: ts.Node): { object: ts.Expression; name: string } | undefined {
  if (ts.isPropertyAccessExpression(node)) return { object: node.expression, name: node.name.text };
  if (!ts.isElementAccessExpression(node) || !ts.isStringLiteralLike(node.argumentExpression))
    return undefined;
  return { object: node.expression, name: node.argumentExpression.text };
}

/** `process` and `globalThis.process`, but not `child.process`. */
function isGlobal(node: ts.Expression): boolean {
  return (
    ts.isIdentifier(node) ||
    (ts.isPropertyAccessExpression(node) && lastName(node.expression) === 'globalThis')
  );
}

/** `const { env } = process` uses `process.env`. */
function destructuredFrom(node: ts.VariableDeclaration, pattern: ts.ObjectBindingPattern): string[] {
  const object = node.initializer && lastName(node.initializer);
  if (!object || !node.initializer || !WATCHED_OBJECTS.has(object) || !isGlobal(node.initializer)) return [];
  return pattern.elements.map((one) => `${object}.${(one.propertyName ?? one.name).getText()}`);
}

/** The object of `process.pid` or `const { pid } = process` is judged by the member, not as a whole. */
function isTakenApart(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return true;
  if (ts.isElementAccessExpression(parent)) return ts.isStringLiteralLike(parent.argumentExpression);
  return ts.isVariableDeclaration(parent) && ts.isObjectBindingPattern(parent.name);
}
