import { request } from './api.js';
import { eventTypes } from './model.js';

/**
 * Keeps the model up to date. After every (re)connection the state is asked for; what arrives meanwhile waits and is
 * applied on top of it, so that nothing between the two is lost.
 */
export function followRooms(model, { onState, onEvent }) {
  const stream = new EventSource('/playground/api/events');
  let waiting = null;

  const load = async () => {
    waiting = [];
    try {
      const [state, { rotated }] = await Promise.all([
        request('GET', '/state?messages=60'),
        request('GET', '/key-fault'),
      ]);
      model.take(state);
      model.isKeyRotated = rotated;
      model.isConnected = true;
      for (const event of waiting) model.apply(event);
      onState();
    } catch {
      // The server went away again; the stream notices it, too, and its next opening comes back here.
    } finally {
      waiting = null;
    }
  };

  stream.onopen = load;
  stream.onerror = () => {
    model.isConnected = false;
    onEvent({ type: 'connection.lost' });
  };
  for (const type of eventTypes) {
    stream.addEventListener(type, ({ data }) => {
      const event = JSON.parse(data);
      if (waiting) {
        waiting.push(event);
      } else if (model.state) {
        model.apply(event);
        onEvent(event);
      }
    });
  }
}
