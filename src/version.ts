/** The release, shown by `/health` and sent to Campfire as part of the User-Agent. The same as in package.json. */
export const VERSION = '0.1.0';
