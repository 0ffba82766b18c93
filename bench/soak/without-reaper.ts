import { registerHooks } from 'node:module';

/**
 * Preloaded into a service as a negative control: in place of the product's reaper it gets one that ends nothing. The
 * product itself cannot be told to do without.
 */
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    if (!found.url.endsWith('/src/processes/reaper.ts')) return found;
    return { ...found, url: new URL('./idle-reaper.ts', import.meta.url).href };
  },
});
