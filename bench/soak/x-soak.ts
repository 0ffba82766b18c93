import { runSoak } from './soak.ts';
const [minutes='0.5', mode=''] = process.argv.slice(2);
const { samples, ...r } = await runSoak({ sessions: 1000, minutes: Number(minutes), seed: 7, containment: mode ? 'group' : 'auto', reaper: mode !== 'noreaper', tell: console.log }) as any;
console.log(r);
process.exit();
