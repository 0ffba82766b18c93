/** What the scripted model does with the tools that hand files to people. Part of the list in model-script.ts. */

interface Heard {
  text: string;
  toolResults: readonly string[];
}

type Reply = { say: string } | { call: string; with: Record<string, unknown> };

const slides = (about: string) => `<!doctype html>
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

const lighthouse =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 120" width="60" height="120"><path d="M22 40h16l8 80H14z" fill="#c33"/><path d="M20 28h20v12H20z" fill="#fc3"/></svg>\n';

/** Writes the file if the message says what is in it, then hands it on, then tells what the tool answered. */
function handOver(
  { text, toolResults }: Heard,
  file: { name: string; content: string | null; tool: string; say: (answer: string) => string },
): Reply {
  const writes = file.content !== null && /^(?:make|draw)\b/i.test(text);
  const step = toolResults.length - (writes ? 1 : 0);
  if (step < 0) return { call: 'Write', with: { file_path: file.name, content: file.content } };
  if (step === 0) return { call: `mcp__campfire__${file.tool}`, with: { file_path: file.name } };
  return { say: file.say(toolResults.at(-1) ?? '') };
}

const shared = /share the file (.+?)(?: with (its|a made-up) link)?$/i;
const attached = /attach the file (.+)$/i;

export const fileBehaviours = [
  {
    title: 'Make a presentation',
    text: 'Make a presentation about the harbour',
    shows: 'A page that the bot wrote, one click away: the button is put there by the service.',
    when: /make a presentation|演示/i,
    reply({ text, toolResults }: Heard): Reply {
      if (toolResults.length > 0) return { say: 'Here are the slides. Click to turn the page.' };
      const about = /\p{Script=Han}/u.test(text) ? '港口 季度报告' : 'The harbour';
      return {
        call: 'mcp__campfire__save_html_presentation',
        with: { html_content: slides(about), filename: `${about}.html`, title: about },
      };
    },
  },
  {
    title: 'Share a file',
    text: 'Make a list of boats and share the file boats.csv',
    shows: 'A file of the conversation’s working folder, as a link that works for a while.',
    when: shared,
    reply(heard: Heard): Reply {
      const [, name = '', link] = shared.exec(heard.text) ?? [];
      const say = (answer: string) => {
        const url = /https?:\S+/.exec(answer)?.[0];
        if (url === undefined) return `It did not work: ${answer}`;
        if (link === 'its') return `You find it [here](${url}).`;
        if (link === 'a made-up') return `You find it [here](${url.slice(0, -3)}abc), or at ${url}.html`;
        return 'I made the list.';
      };
      return handOver(heard, { name, content: 'boat,length\nHeron,12\nTern,9\n', tool: 'save_file', say });
    },
  },
  {
    title: 'Attach a file',
    text: 'Draw a lighthouse and attach the file lighthouse.svg',
    shows: 'A file as an attachment of the room, behind the answer.',
    when: attached,
    reply(heard: Heard): Reply {
      const [, name = ''] = attached.exec(heard.text) ?? [];
      const say = (answer: string) =>
        /will be posted/.test(answer) ? 'Here it comes.' : `It did not work: ${answer}`;
      return handOver(heard, { name, content: lighthouse, tool: 'attach_file', say });
    },
  },
];
