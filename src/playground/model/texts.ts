/** What the scripted model has to say, apart from what people told it. */

const paragraphs = [
  'Harbours are built twice. First on paper, where every wave behaves, and then in the water, where none does.',
  'The people who built this one began with the wall. It took four summers, two storms and one argument about granite.',
  'Then came the light, and with the light came the boats.',
  'The keeper wrote down each of them: name, cargo, weather, and how the skipper had behaved at the wall.',
  'Nobody read the book for eighty years. Then somebody wanted to know when the herring had stopped coming, and it was all there.',
];

/** A story of about that many characters, ending with a sentence; the longer ones go round. */
export function story(characters: number): string {
  const told: string[] = [];
  let length = 0;
  for (let n = 0; length < characters; n++) {
    const paragraph = paragraphs[n % paragraphs.length] ?? '';
    const round = Math.floor(n / paragraphs.length);
    told.push(round === 0 ? paragraph : `${round + 1}. ${paragraph}`);
    length += (told.at(-1)?.length ?? 0) + 2;
  }
  const text = told.join('\n\n').slice(0, characters);
  return text.endsWith('.') ? text : `${text.replace(/[^.\s]*$/, '').trimEnd()} …`;
}

/** More than a room should hold: headings, and the story below each. */
export function longRead(characters: number): string {
  let text = '# A long answer\n\n';
  for (let part = 1; text.length < characters; part++) text += `## Part ${part}\n\n${story(420)}\n\n`;
  return text;
}

export const table = `| 港口 | 船只 | 长度 (米) | 备注 |
|---|---:|---:|---|
| 上海 | 128 | 399.9 | 最大 |
| 青岛 | 47 | 366 | 常年不冻 |
| 大连 | 31 | 294.13 | 冬季有冰 |`;

export const code = `Both do the same:

\`\`\`python
def greet(names: list[str]) -> str:
    return ", ".join(f"Hello {name}" for name in names)
\`\`\`

\`\`\`ruby
puts %w[Ann Ben].map { |name| "Hello #{name}" }.join(", ")
\`\`\`

and \`List<String>\` survives, too.`;

export const lists =
  '1. Survey the wall\n   - north side\n   - south side\n2. Order granite\n\n- [x] permit\n- [ ] crane\n\n> Measure twice.\n\n~~Tomorrow~~ today.';

export const soup =
  '<table><tr><td>cell</td></tr></table> <u>under</u> <script>alert(1)</script> List<String> & more <b>bold';

export const csv = 'harbour,boats,longest_m\nShanghai,128,399.9\nQingdao,47,366\nDalian,31,294.13\n';

export const slidesAbout = (about: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${about}</title>
<style>
body { display: grid; place-content: center; min-height: 100vh; margin: 0; font: 2rem/1.4 Georgia, serif; color: #10324a; background: #eaf3f8; }
</style>
</head>
<body>
<main><h1>${about}</h1><p id="page">Slide 1 of 3: the wall</p></main>
<script>
let slide = 1;
addEventListener('click', () => {
  slide = slide % 3 + 1;
  document.querySelector('#page').textContent = 'Slide ' + slide + ' of 3: ' + ['the wall', 'the light', 'the boats'][slide - 1];
});
</script>
</body>
</html>
`;

export const lighthouse =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 120" width="60" height="120"><path d="M22 40h16l8 80H14z" fill="#c33"/><path d="M20 28h20v12H20z" fill="#fc3"/></svg>\n';

export const boats = 'boat,length\nHeron,12\nTern,9\n';
