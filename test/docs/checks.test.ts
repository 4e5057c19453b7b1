import { describe, expect, test } from 'vitest';
import { cliProblems } from './cli-usage.ts';
import { type CodeBlock, codeBlocks } from './code-blocks.ts';
import { curlProblems, routesOnly } from './http-usage.ts';
import { shellProblems } from './shell-check.ts';
import { shellCommands } from './shell-commands.ts';
import { typeScriptProblems } from './type-check.ts';

/** The checks of documents can fail. */
const block = (text: string, language = 'sh', title: string | null = null, line = 1): CodeBlock => ({
  document: 'README.md',
  line,
  language,
  title,
  text,
});

const HELP: Readonly<Record<string, string>> = {
  '': `Usage: tidemark [options] [command]

Options:
  -V, --version           output the version number
  -h, --help              display help for command

Commands:
  backfill [options] [view]  materialize past intervals, several chunks at
                             once if asked
  dev [options]           everything
  stack                   The embedded servers
`,
  backfill: `Usage: tidemark backfill [options] [view]

Arguments:
  view             view or view@vN

Options:
  --start <time>   from here (default: everything due)
  --order <order>  which end to begin with (choices: "oldest", "newest",
                   default: "oldest")
  --detach         start it and do not wait
  -h, --help       display help for command

Example:
  $ tidemark backfill --nonsense
`,
  dev: 'Usage: tidemark dev [options]\n\nOptions:\n  --once  stop when done\n',
  stack: 'Usage: tidemark stack [options] [command]\n\nCommands:\n  up [options]  start\n',
  'stack up': 'Usage: tidemark stack up [options]\n\nOptions:\n  --json  as JSON\n',
};
const askHelp = async (command: readonly string[]) => HELP[command.join(' ')] ?? '';

describe('blocks of a document', () => {
  test('are found with their lines, languages and titles, in lists and with longer fences too', () => {
    const text = [
      'Text with ``` inside',
      '```ts views.ts',
      'const a = 1;',
      '```',
      '- item',
      '  ```sh',
      '  npm start',
      '  ```',
      '````text',
      '```',
      '````',
      '```',
      'open',
    ].join('\n');
    expect(codeBlocks({ path: 'README.md', text })).toEqual([
      block('const a = 1;\n', 'ts', 'views.ts', 2),
      block('npm start\n', 'sh', null, 6),
      block('```\n', 'text', null, 9),
      block('open\n', '', null, 12),
    ]);
  });
});

describe('commands of a block', () => {
  const read = (text: string) =>
    shellCommands(block(text)).map(({ where, variables, words }) => [where, variables, words]);

  test('are read with quotes, comments, pipes, prompts, variables and lines that go on', () => {
    expect(
      read(`# first
$ npm start # a comment
A_B=1 tidemark get a:b \\
  --entity 'id=1 #no' && cd x; curl -d '{
  "a": "it''s"
}' "localhost:1/x?a=1&b=\\"2\\"" | cat > out.txt 2>&1
export URL=redis://x
`),
    ).toEqual([
      ['README.md:3', [], ['npm', 'start']],
      ['README.md:4', ['A_B'], ['tidemark', 'get', 'a:b', '--entity', 'id=1 #no']],
      ['README.md:5', [], ['cd', 'x']],
      ['README.md:5', [], ['curl', '-d', '{\n  "a": "its"\n}', 'localhost:1/x?a=1&b="2"']],
      ['README.md:7', [], ['cat']],
      ['README.md:8', [], ['export', 'URL=redis://x']],
    ]);
  });

  test('are refused when a quote is not closed', () => {
    expect(() => read(`echo 'a`)).toThrow('README.md:1: a quote is not closed');
  });
});

describe('a tidemark command', () => {
  test.each([
    ['backfill route_history --start 2026-01-01 --order newest --detach', []],
    ['backfill --start=2026-01-01', []],
    ['stack up --json', []],
    ['--version', []],
    ['backfil', ['tidemark has no command "backfil": it has backfill, dev, stack']],
    ['stack', ['tidemark stack needs a command: up']],
    ['stack down', ['tidemark stack has no command "down": it has up']],
    ['backfill --form 2026-01-01', ['tidemark backfill has no option --form']],
    ['backfill --nonsense', ['tidemark backfill has no option --nonsense']],
    ['backfill --start', ['tidemark backfill --start needs a value']],
    ['backfill --order both', ['tidemark backfill --order takes oldest, newest, not "both"']],
    ['backfill --detach=no', ['tidemark backfill --detach takes no value']],
    ['backfill a b', ['tidemark backfill takes at most 1 argument(s)']],
  ])('%s', async (line, problems) => {
    const words = line.split(' ').filter((word) => word !== '');
    expect(await cliProblems(words, askHelp)).toEqual(problems);
  });
});

describe('a curl command', () => {
  const app = routesOnly();
  const good = '{"features": ["a:b"], "entities": {"id": [1]}}';

  test.each([
    [['localhost:6567/health'], []],
    [['-s', 'http://127.0.0.1:6567/metrics'], []],
    [['-sd', good, 'localhost:6567/get-online-features'], []],
    [['-X', 'POST', 'localhost:6567/health'], ['the server has no route POST /health']],
    [['localhost:6567/get-online-features'], ['the server has no route GET /get-online-features']],
    [['localhost:1/health'], ['curl asks localhost:1: the server listens on 127.0.0.1:6567']],
    [['-s'], ['curl needs one address, and has 0']],
  ])('%j', (words, problems) => {
    expect(curlProblems(words, app)).toEqual(problems);
  });

  test('is refused when the server would refuse its body', () => {
    const words = ['-d', '{"features": ["a:b"], "entities": [1]}', 'localhost:6567/get-online-features'];
    expect(curlProblems(words, app).join()).toMatch(/^the server would refuse the body:.*entities/s);
  });
});

describe('another command', () => {
  const problems = async (line: string) => {
    const [command] = shellCommands(block(line));
    return command === undefined ? [] : await shellProblems(command, { askHelp, app: routesOnly() });
  };

  test.each([
    ['npm start -- --once', null],
    ['npm test -- test/docs/checks.test.ts', null],
    ['TIDEMARK_HOME=x npm run check', null],
    ['DATABASE_URL=x bin/tidemark stack up', null],
    ['.ci/run', null],
    ['npx tidemark backfill', null],
    ['npm start --once', 'npm takes --once for itself: put -- before it'],
    ['npm start -- --twice', 'tidemark dev has no option --twice'],
    ['npm run nothing', 'package.json has no script "nothing"'],
    ['npm test -- test/docs/nothing.test.ts', 'there is no file test/docs/nothing.test.ts'],
    ['TIDEMARK_HOUSE=x npm test', 'Tidemark reads no variable TIDEMARK_HOUSE'],
    ['export TIDEMARK_HOUSE=x', 'Tidemark reads no variable TIDEMARK_HOUSE'],
    ['node bench/nothing.ts', 'there is no file bench/nothing.ts'],
    ['brew install x', 'no check knows the command "brew"; teach it to test/docs/shell-check.ts'],
  ])('%s', async (line, problem) => {
    expect(await problems(line)).toEqual(problem === null ? [] : [`README.md:2: ${problem}`]);
  });
});

describe('a block of TypeScript', () => {
  test('is compiled as a user would, other blocks under their titles, and a mistake has its line', async () => {
    const problems = await typeScriptProblems([
      block(
        "import { entity } from 'tidemark';\nexport const user = entity({ name: 'user', joinKeys: { id: 'int64' } });\n",
        'ts',
        'entities.ts',
        10,
      ),
      block("import { user } from './entities.ts';\n\nexport const wrong: number = user;\n", 'ts', null, 20),
      block("import { nothing } from 'tidemark';\n", 'ts', null, 30),
    ]);
    expect(problems).toEqual([
      expect.stringMatching(/^README\.md:23:14: error TS2322/),
      expect.stringMatching(/^README\.md:31:10: error TS2305.*nothing/),
    ]);
  });

  test('that names a file of the repository is a part of it', async () => {
    const quote = (text: string) => typeScriptProblems([block(text, 'ts', 'src/index.ts', 5)]);
    expect(await quote("export { entity } from './define/entity.ts';\n")).toEqual([]);
    expect(await quote("export { entity } from './entity.ts';\n")).toEqual([
      'README.md:5: this is not a part of src/index.ts as it stands',
    ]);
  });
});
