import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const root = new URL('../../../', import.meta.url).href;
const tests = new URL('test/', root).href;
const runner = new URL('.', import.meta.url).href;

/**
 * TypeScript for Node's own loader, by `--import`. swc only strips types and emits decorator metadata
 * (../shared/stack.md): tsc checks the types.
 *
 * A test file is imported as `….spec.ts?<number>`. That number goes on to what belongs to tests (`test/` and
 * `__fixtures__`), so that each test file has its own, while `src` and packages are loaded once for all that a worker
 * runs, which takes less than half of the time.
 */
registerHooks({
  resolve(specifier, context, next) {
    const parent = context.parentURL;
    if (!isOurs(parent)) return next(specifier, context);
    const { search } = new URL(parent);
    if (specifier === '@jest/globals')
      return { url: `${runner}jest-globals.ts${search}`, shortCircuit: true };
    if (!specifier.startsWith('.')) return next(specifier, context);
    const resolved = next(specifier.replace(/\.js$/, '.ts'), context);
    return isOfTests(resolved.url) && resolved.format !== 'json'
      ? { ...resolved, url: `${resolved.url}${search}` }
      : resolved;
  },

  load(url, context, next) {
    const file = url.replace(/\?.*/, '');
    if (!isOurs(file) || !file.endsWith('.ts')) return next(url, context);
    const filename = fileURLToPath(file);
    const { code } = transformSync(readFileSync(filename, 'utf8'), {
      filename,
      swcrc: false,
      jsc: {
        target: 'es2024',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        keepClassNames: true,
        // JSON is imported with its type, as Node asks for.
        experimental: { keepImportAssertions: true },
      },
      module: { type: 'es6' },
      sourceMaps: 'inline',
    });
    return { format: 'module', source: code, shortCircuit: true };
  },
});
process.setSourceMapsEnabled(true);

function isOurs(url: string | undefined): url is string {
  return url?.startsWith(root) === true && !url.includes('/node_modules/');
}

function isOfTests(url: string): boolean {
  return url.includes('/__fixtures__/') || (url.startsWith(tests) && !url.startsWith(runner));
}
