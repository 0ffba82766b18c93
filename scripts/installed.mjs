// Are the packages of package-lock.json the ones in node_modules? Exit 0 when they are, 1 when `npm ci` is due.
// Content decides, not file times, which a checkout, a copy or an image changes at will. Plain JavaScript without
// packages: it runs before there are any, on whatever Node the machine has.
import { readFileSync } from 'node:fs';

/** What npm wanted to install, by path; and what it noted as installed after it had finished. */
const wanted = packagesIn('package-lock.json');
const installed = packagesIn('node_modules/.package-lock.json');

const missing = Object.entries(wanted).filter(([path, { version, optional }]) => {
  if (path === '') return false;
  const found = installed[path];
  // An optional package may be one for another platform.
  return found ? found.version !== version : !optional;
});
process.exitCode = missing.length === 0 ? 0 : 1;

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).packages;
  } catch {
    return {};
  }
}
