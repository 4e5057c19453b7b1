import { formatViewVersion } from '../../core/feature-view.ts';
import type { AlertEvent } from '../alert.ts';

/** The body of a Slack incoming webhook. */
export interface SlackMessage {
  readonly text: string;
}

const HEADLINE = { opened: 'Opened', repeated: 'Still open', resolved: 'Resolved' } as const;

export function slackMessage(event: AlertEvent): SlackMessage {
  const { state, severity, project, view, version, openedAt, resolvedAt } = event;
  const times = resolvedAt === null ? `since ${openedAt}` : `from ${openedAt} to ${resolvedAt}`;
  const where = view === null || version === null ? '' : `, ${formatViewVersion({ view, version })}`;
  const place = escaped(`${project}${where}`);
  return { text: `*${HEADLINE[state]}* (${severity}): ${escaped(event.summary)}\n${place}, ${times}` };
}

/** The three characters that Slack gives a meaning: an error's text must not become a link or a mention. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
