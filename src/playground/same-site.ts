import type { MiddlewareHandler } from 'hono';

/** Any page that the developer has open could send a form here; a browser tells where a request comes from. */
export const sameSiteOnly: MiddlewareHandler = async (c, next) => {
  const site = c.req.header('sec-fetch-site') ?? 'none';
  if (site !== 'none' && site !== 'same-origin') return c.json({ error: 'Not from another site' }, 403);
  return next();
};
