import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

/** For tests that make workers by hand: the SDK's warnings of what a test does on purpose are not shown. */
export function quietRuntime(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
}
