import { renderReply } from './src/campfire/html/render.ts';
const o = { marker: (p:number) => `m1-${p}`, language: 'en' as const };
let worst=0;
for (const n of [29900, 200000]) for (const u of ['[','>','*','`','_','(','<','![','[a](','**a ','*a _b ','- ','<div>','<b>','<a href="','|','\\','~~a ','a@','http://','www.','> - ','[^a]','&','1. ','a\n','\n- a\n','$','|a|\n|-|\n','<!--','# ','`a ', '[a]: <','[a][b]','a*b_c*d_','~a','``a`','[^a]: ','$a ','\\(','\\[a','$$\n','\\[\n','<style>','<a "','\n<a "','中**：','\n<div "','<template>','<table><tr><td>','<ul><li>','x<br>','| a | b |\n','<a "\n'," \t",'<select>','<svg>','<b><p>','<a><div>']) {
 const s=u.repeat(Math.floor(n/u.length)); const t0=performance.now(); const r = renderReply(s,o); const t=performance.now()-t0; worst=Math.max(worst,t);
 const s2='\n'+u.repeat(Math.floor(n/u.length)); const t1=performance.now(); renderReply('<div>\n'+s2,o); const tb=performance.now()-t1;worst=Math.max(worst,tb);
 if (t>400||tb>400) console.log(n, JSON.stringify(u), Math.round(t), Math.round(tb), r.kind, (r as any).readAs);
}
console.log('worst', worst);
let s=''; for (let i=0;i<300&&s.length<29000;i++) s+=' '.repeat(2*i)+'- a\n'; let t=performance.now(); console.log(s.length, renderReply(s,o).kind, performance.now()-t);
