import type { ColumnProfile, NumberProfile, TableProfile } from '../offline/table-profiler.ts';
import { labelText, partsOf, type TrainingSetManifest } from './manifest.ts';

/**
 * A training set's statistics as one HTML page that needs nothing beside itself: no script, no font, no address.
 * The label comes first, then features, then the columns of the entity rows. The same set gives the same page.
 */
export function statisticsPage(manifest: TrainingSetManifest, { rows, columns }: TableProfile): string {
  const { id, contents, data, createdAt } = manifest;
  const features = new Map(contents.outputs.map((output) => [output.name, output]));
  const { label } = contents;
  const isLabel = ({ name }: ColumnProfile) => name === label?.name;
  const card = (column: ColumnProfile) => {
    const output =
      features.get(column.name) ?? (isLabel(column) && label?.kind === 'view' ? label : undefined);
    const from = output === undefined ? '' : `${output.view}@v${output.version}:${output.feature}`;
    return columnCard(column, rows, { type: output?.type ?? column.type, from });
  };
  const parts = Object.entries(partsOf(manifest) ?? {}).map(([part, count]) => `${part} ${whole(count)}`);
  const facts = [
    ['Rows', whole(data.rows)],
    ...(parts.length === 0 ? [] : [['Parts', parts.join(', ')]]),
    ['Features', whole(contents.outputs.length)],
    ['Created', createdAt],
    ...(label === undefined ? [] : [['Label', labelText(label)]]),
    ...(data.leftOut ? [['Rows left out, as their horizon had not passed', whole(data.leftOut)]] : []),
    ['Known at', contents.knownAt],
    ['Entity row times', contents.spine.timestampField],
    ['Engine', contents.engine],
  ];
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>Training set ${text(id.slice(0, 16))}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Training set <code>${text(id.slice(0, 16))}</code></h1>
<p class="id">${text(id)}</p>
<dl>${facts.map(([name, value]) => `<div><dt>${text(name)}</dt><dd>${text(value)}</dd></div>`).join('')}</dl>
</header>
<main>${
    label === undefined
      ? ''
      : `
<h2>Label</h2>
<section>${columns.filter(isLabel).map(card).join('\n')}</section>`
  }
<h2>Features</h2>
<section>${columns
    .filter(({ name }) => features.has(name))
    .map(card)
    .join('\n')}</section>
<h2>Entity rows</h2>
<section>${columns
    .filter((column) => !features.has(column.name) && !isLabel(column))
    .map(card)
    .join('\n')}</section>
</main>
</body>
</html>
`;
}

function columnCard(
  column: ColumnProfile,
  rows: number,
  { type, from }: { readonly type: string; readonly from: string },
): string {
  const { name, nulls, numbers, top, least, greatest } = column;
  const share = rows === 0 ? 0 : nulls / rows;
  const facts = [
    ...(least === null ? [] : [['min', bound(least)]]),
    ...(numbers === null
      ? []
      : numbers.quantiles.map(({ share: at, value, exact }) => [
          `p${Math.round(at * 100)}`,
          exact ?? short(value),
        ])),
    ...(greatest === null ? [] : [['max', bound(greatest)]]),
    ...(numbers === null ? [] : [['mean', short(numbers.mean)]]),
    ...(numbers === null || numbers.notFinite === 0 ? [] : [['not finite', whole(numbers.notFinite)]]),
  ];
  return `<article>
<h3>${text(name)} <small>${text(type)}</small></h3>
${from === '' ? '' : `<p class="from">${text(from)}</p>`}
<div class="nulls"><div class="bar"><span style="width:${(share * 100).toFixed(2)}%"></span></div>${rows === 0 ? 'no rows' : `${percent(share)} null`}</div>
${numbers === null ? '' : histogram(numbers, name)}
${top === null || top.length === 0 ? '' : topValues(top, rows)}
${facts.length === 0 ? '' : `<dl${numbers === null ? '' : ' class="numbers"'}>${facts.map(([key, value]) => `<div><dt>${text(key)}</dt><dd>${text(value)}</dd></div>`).join('')}</dl>`}
</article>`;
}

const WIDTH = 300;
const HEIGHT = 90;

function histogram({ histogram: { from, to, counts } }: NumberProfile, name: string): string {
  const most = Math.max(1, ...counts);
  const width = WIDTH / counts.length;
  const edge = (at: number) => from + (to / counts.length - from / counts.length) * at;
  const bars = counts.map((count, at) => {
    // What is there at all can be seen.
    const height = count === 0 ? 0 : Math.max(1, (count / most) * HEIGHT);
    const label = `${short(edge(at))} to ${short(at === counts.length - 1 ? to : edge(at + 1))}: ${whole(count)}`;
    return `<rect x="${(at * width + 0.5).toFixed(2)}" y="${(HEIGHT - height).toFixed(2)}" width="${(width - 1).toFixed(2)}" height="${height.toFixed(2)}"><title>${text(label)}</title></rect>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="Histogram of ${text(name)}">${bars.join('')}</svg>
<p class="axis"><span>${short(from)}</span><span>${short(to)}</span></p>`;
}

function topValues(top: NonNullable<ColumnProfile['top']>, rows: number): string {
  const most = Math.max(1, ...top.map(({ count }) => count));
  const lines = top.map(
    ({ value, count }) =>
      `<tr><th scope="row">${value === '' ? '<em>empty text</em>' : text(value.length > 40 ? `${value.slice(0, 39)}…` : value)}</th>` +
      `<td class="bar"><span style="width:${((count / most) * 100).toFixed(2)}%"></span></td>` +
      `<td>${whole(count)}</td><td>${percent(rows === 0 ? 0 : count / rows)}</td></tr>`,
  );
  return `<table>${lines.join('')}</table>`;
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2733;--soft:#5d6b7a;--line:#d9e0e7;--page:#f5f7f9;--card:#fff;--bar:#1f7a8c;--null:#c8553d}
@media (prefers-color-scheme:dark){:root{--ink:#e4eaf0;--soft:#95a3b1;--line:#2f3b47;--page:#12181e;--card:#1a222a;--bar:#4fb3c8;--null:#e07a5f}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.5rem;max-width:84rem;font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page)}
h1{margin:0;font-size:1.5rem}h2{margin:2rem 0 .75rem;font-size:1.1rem}h3{margin:0;font-size:1rem;overflow-wrap:anywhere}
small,.id,.from,.axis,dt{color:var(--soft);font-weight:400}
.id,.from{margin:.1rem 0 0;font:12px ui-monospace,monospace;overflow-wrap:anywhere}
dl{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;margin:1rem 0 0}dt{font-size:12px}dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
section{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1rem;align-items:start}
article{padding:1rem;background:var(--card);border:1px solid var(--line);border-radius:6px;min-width:0}
article dl{gap:.35rem 1rem;margin-top:.75rem}dl.numbers{display:grid;grid-template-columns:repeat(5,1fr);gap:.35rem .5rem}
.nulls{display:flex;align-items:center;gap:.5rem;margin:.5rem 0;font-size:12px;color:var(--soft);white-space:nowrap}
.bar{flex:1;height:6px}.nulls .bar{background:var(--line);border-radius:3px;overflow:hidden}.nulls .bar span{display:block;height:6px;background:var(--null)}
svg{display:block;width:100%;height:90px;border-bottom:1px solid var(--line)}rect{fill:var(--bar)}rect:hover{opacity:.7}
.axis{display:flex;justify-content:space-between;margin:.15rem 0 0;font-size:12px}
table{width:100%;border-collapse:collapse;font-size:12px}th{font-weight:400;text-align:left;max-width:9rem;overflow-wrap:anywhere}
td{padding:.1rem 0 .1rem .5rem;text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.bar{width:40%}td.bar span{display:block;height:8px;background:var(--bar);border-radius:2px}
`.replaceAll('\n', '');

function text(value: string | undefined): string {
  const SIGNS: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return (value ?? '').replace(/[&<>"']/g, (sign) => SIGNS[sign] ?? '');
}

function whole(count: number): string {
  return count.toLocaleString('en-US');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Integers and times are shown whole, other numbers with the digits that one reads. */
function bound(value: string): string {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) && /[.e]/i.test(value) ? short(Number(value)) : value;
}

function short(value: number): string {
  return String(Number(value.toPrecision(5)));
}
