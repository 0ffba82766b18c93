import { renderReply } from './src/campfire/html/render.ts';
const o = { marker: (p:number) => `m1-${p}`, language: 'en' as const };
for (const u of ['[a][b]','[^a]: ','\n- a\n','[^a]: x\n','[^a]:\n', '[^1]\n\n[^1]: x\n\n']) for (let i=0;i<3;i++){ let t=performance.now(); renderReply('<div>\n\n'+u.repeat(29900/u.length|0),o); console.log(JSON.stringify(u),Math.round(performance.now()-t)); }
