import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { holdsSecret, withoutSecretTail } from '../../src/turns/withheld.ts';

const secret = 'sk-ant-0123456789';

test('a secret that is being written is never shown, not even its beginning', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const whole = `${before}${secret}${after}`;
      for (let length = 0; length <= whole.length; length++) {
        const shown = withoutSecretTail(whole.slice(0, length), new Set([secret]));
        if (shown === null) continue;
        assert.ok(!holdsSecret(shown, new Set([secret])));
        const begun = before.length + 1;
        if (!before.includes('s') && length >= begun) assert.equal(shown.slice(0, begun), before);
      }
    }),
  );
});

test('what is no secret is shown to the end, the longest doubtful ending apart', () => {
  const secrets = new Set([secret, 'k-x']);
  assert.equal(withoutSecretTail('all of it.', secrets), 'all of it.');
  assert.equal(withoutSecretTail('the key is sk-ant-01', secrets), 'the key is ');
  assert.equal(withoutSecretTail('sk', secrets), '');
  assert.equal(withoutSecretTail(`it is ${secret}, really`, secrets), null);
  assert.equal(withoutSecretTail('all of it.', new Set()), 'all of it.');
});
