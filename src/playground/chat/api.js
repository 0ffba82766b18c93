/** Asks the playground's API; throws an Error with its sentence when it refuses. */
export async function request(method, path, body) {
  const init = body instanceof FormData ? { method, body } : { method };
  if (body && !(body instanceof FormData)) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json' };
  }
  const response = await fetch(`/playground/api${path}`, init);
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? `${response.status}`);
  return response.status === 204 ? null : response.json();
}
