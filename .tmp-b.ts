import { readBody, readMentions } from './src/campfire/html/read.ts';
const at = (n:string)=>`<action-text-attachment sgid="s-${n}" content-type="application/vnd.campfire.mention" content="&lt;span class=&quot;mention&quot;&gt;&lt;img alt=&quot;x&quot;&gt; ${n}&lt;/span&gt;"></action-text-attachment>`;
for (const h of [`<div>${at('Bot')}&nbsp;do <em>*this*</em> &amp; _that_ for ${at('Ann B')}</div>`, `<blockquote>one<br>two</blockquote><cite>Ann <a href="https://c/rooms/1/@5">#</a></cite><br>${at('Bot')} why?`,
'<div>see <a href="https://x.org">docs</a> and <a href="https://y.org">https://y.org</a></div><ul><li>a<ul><li>b</li></ul></li><li>c</li></ul><ol><li>x</li><li>y</li></ol><pre>let a = "```";\n  b</pre>after<div>d1<br><br>d2</div><div><br></div><div>d3</div>', '<p>a</p><p>b</p>',
'<action-text-attachment content-type="application/vnd.actiontext.opengraph-embed" href="https://x" filename="Title" caption="Desc" url="https://i"></action-text-attachment>','<pre><code>x\n  <b>y</b></code></pre>', 'a\nb', '<div>'.repeat(20000)+'x'])
 console.log(JSON.stringify(readBody(h,'PLAIN','Bot')));
console.log(readMentions(at('A')+at('B')+at('A')), readBody(null,' f.png '));
