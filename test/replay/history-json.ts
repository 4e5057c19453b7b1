import { createRequire } from 'node:module';
import type { Client } from '@temporalio/client';

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

// The SDK's own conversions fail when npm gives its packages copies of protobufjs of their own; these take the copy
// that belongs to the message types.
const requireFromCommon = createRequire(createRequire(import.meta.url).resolve('@temporalio/common'));
const protoPath = requireFromCommon.resolve('@temporalio/proto');
const requireFromProto = createRequire(protoPath);
const proto = requireFromCommon(protoPath);
const { toJson, fromJson } = requireFromProto('protobufjs/ext/protojson');
const { patchProtobufRoot } = requireFromCommon('@temporalio/proto/lib/patch-protobuf-root');
const historyType = patchProtobufRoot(proto).lookupType('temporal.api.history.v1.History');

/** A history as plain JSON, in the form that all of Temporal's tools read. */
export function historyToJson(history: History): unknown {
  return toJson(historyType, proto.temporal.api.history.v1.History.fromObject(history));
}

export function historyFromJson(json: unknown): History {
  return fromJson(historyType, json, { ignoreUnknownFields: true });
}
