import { byId } from './dom.js';

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

/** As `request`, for an act of the reader: a refusal is shown, and gives undefined. */
export async function act(method, path, body) {
  try {
    return await request(method, path, body);
  } catch (error) {
    toast(error.message);
    return undefined;
  }
}

let hiding = 0;

/** One sentence that goes by itself. */
export function toast(sentence) {
  const line = byId('toast');
  line.textContent = sentence;
  line.classList.add('shown');
  clearTimeout(hiding);
  hiding = setTimeout(() => line.classList.remove('shown'), 4000);
}
