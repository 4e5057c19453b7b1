import type { Command } from 'commander';
import { formatTime } from '../../core/time.ts';
import { viewStatuses } from '../../monitor/view-status.ts';
import { scheduleStatuses } from '../../training/schedule-statuses.ts';
import { type CliContext, type CommonOptions, withSession } from '../context.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import { statusLines } from '../status-lines.ts';

export function registerStatus(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('status')
          .description('how fresh every view is, what scheduled training sets gave, which alerts are open'),
      ),
    ),
    'tidemark status --repo feature_repo/flights',
  ).action(async (options: CommonOptions) => {
    await withSession(context, options, async (session) => {
      const { platform, repo, output } = session;
      const project = repo.project.name;
      const views = await viewStatuses(project, {
        registry: await platform.registry(),
        ledger: await platform.ledger(),
        streams: await platform.streams(),
        clock: platform.clock,
      });
      const trainingSets = await scheduleStatuses(project, {
        registry: await platform.registry(),
        clock: platform.clock,
      });
      const alerts = await (await platform.alerts()).openAlerts(project);
      const unreadable = await (await platform.unreadable()).of(project);
      const told = alerts.map((alert) => ({
        ...alert,
        openedAt: formatTime(alert.openedAt),
        lastSeenAt: formatTime(alert.lastSeenAt),
      }));
      output.facts({ project, views, trainingSets, unreadable, alerts: told }, () =>
        statusLines({ views, trainingSets, unreadable, alerts }),
      );
    });
  });
}
