/** Moments as the reader's clock has them, and ages that count on: on the service's time, whatever the reader's is. */

const clock = new Intl.DateTimeFormat(undefined, {
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
});
let aheadMs = 0;

const date = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** The same words as `age` of the server's format.ts. */
function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return two(seconds, 60, 'min', 's', seconds < 600);
  if (seconds < 86_400) return two(Math.floor(seconds / 60), 60, 'h', 'min', true);
  return two(Math.floor(seconds / 3600), 24, 'd', 'h', seconds < 10 * 86_400);
}

function two(count, base, big, small, both) {
  const rest = count % base;
  const first = `${Math.floor(count / base)} ${big}`;
  return both && rest > 0 ? `${first} ${rest} ${small}` : first;
}

function wordsFor(time, now) {
  const at = Date.parse(time.dateTime);
  if (time.dataset.as === 'since') return age(now - at);
  if (time.dataset.as === 'until') return at > now ? age(at - now) : 'now';
  return now - at > 86_400_000 ? date.format(at) : clock.format(at);
}

/** Told what time it is at the service, epoch ms. */
export function setTime(now) {
  aheadMs = now - Date.now();
}

export function serviceNow() {
  return Date.now() + aheadMs;
}

/** Writes every time below `root`; whatever already says so is not touched. */
export function writeTimes(root) {
  const now = serviceNow();
  for (const time of root.querySelectorAll('time[data-as]')) {
    const words = wordsFor(time, now);
    if (time.textContent !== words) time.textContent = words;
    if (!time.title) time.title = whole.format(Date.parse(time.dateTime));
  }
}

export function keepTimes() {
  const tick = () => {
    if (document.hidden) return;
    const now = serviceNow();
    for (const time of document.querySelectorAll('time[data-as="since"], time[data-as="until"]')) {
      const words = wordsFor(time, now);
      if (time.textContent !== words) time.textContent = words;
    }
  };
  setInterval(tick, 1000);
  document.addEventListener('visibilitychange', tick);
}
