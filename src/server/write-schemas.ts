import { z } from 'zod';
import type { ExactJson } from '../core/exact-json.ts';
import { columns, parseBody } from './parse-body.ts';

/** Bodies of the routes that write, as Feast's clients send them. What has no meaning here is taken and left alone. */
const flag = z.boolean().optional();
const ignored = { allow_registry_cache: flag, transform_on_write: flag };
const text = z.string().min(1, { error: 'expected text that is not empty' });

const Push = z.strictObject({
  push_source_name: text,
  df: columns,
  to: z
    .enum(['online', 'offline', 'online_and_offline'], {
      error: 'expected "online", "offline" or "online_and_offline"',
    })
    .default('online'),
  ...ignored,
});

const WriteToOnlineStore = z.strictObject({ feature_view_name: text, df: columns, ...ignored });

const views = z.array(text, { error: 'expected a list of views' }).nullish();
const version = z
  .string()
  .regex(/^v?[1-9]\d{0,6}$/, { error: 'expected a version such as "v2"' })
  .nullish();

const Materialize = z.strictObject({
  start_ts: z.string().nullish(),
  end_ts: z.string().nullish(),
  feature_views: views,
  /** Everything, whenever it happened, in place of a range. */
  disable_event_timestamp: z.boolean().default(false),
  version,
  full_feature_names: flag,
});

const MaterializeIncremental = z.strictObject({
  end_ts: z.string(),
  feature_views: views,
  version,
  full_feature_names: flag,
});

export type MaterializeBody = z.infer<typeof Materialize>;

type Body = ExactJson | undefined;

export const parsePush = (body: Body) => parseBody(Push, body);
export const parseWriteToOnlineStore = (body: Body) => parseBody(WriteToOnlineStore, body);
export const parseMaterialize = (body: Body) => parseBody(Materialize, body);
export const parseMaterializeIncremental = (body: Body) => parseBody(MaterializeIncremental, body);
