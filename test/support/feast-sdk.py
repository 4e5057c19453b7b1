"""Feast's own SDK against a Tidemark server: `feast-sdk.py FOLDER URL`. Prints what it read as JSON."""

import json
import pathlib
import sys
import warnings
from datetime import datetime, timedelta, timezone

warnings.filterwarnings("ignore")

import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, ValueType
from feast.data_source import PushMode
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Array, Bool, Float32, Float64, Int64, String, UnixTimestamp

folder, url = pathlib.Path(sys.argv[1]), sys.argv[2]
(folder / "feature_store.yaml").write_text(
    f"""
project: sdk
provider: local
registry: registry.db
online_store:
  type: remote
  path: {url}
offline_store:
  type: file
entity_key_serialization_version: 3
"""
)


def file_source(name):
    path = folder / f"{name}.parquet"
    pd.DataFrame({"event_timestamp": [datetime.now(timezone.utc)]}).to_parquet(path)
    return FileSource(name=name, path=str(path), timestamp_field="event_timestamp")


user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
origin = Entity(name="origin", join_keys=["origin"], value_type=ValueType.STRING)
dest = Entity(name="dest", join_keys=["dest"], value_type=ValueType.STRING)
activity = FeatureView(
    name="activity",
    entities=[user],
    ttl=timedelta(days=1),
    schema=[
        Field(name="sessions", dtype=Int64),
        Field(name="spend", dtype=Float64),
        Field(name="model", dtype=String),
        Field(name="active", dtype=Bool),
        Field(name="since", dtype=UnixTimestamp),
        Field(name="tags", dtype=Array(String)),
        Field(name="budget", dtype=Float64),
        Field(name="weights", dtype=Array(Float64)),
        Field(name="emb", dtype=Array(Float32)),
        Field(name="times", dtype=Array(UnixTimestamp)),
    ],
    source=PushSource(name="activity_push", batch_source=file_source("activity_files")),
)
routes = FeatureView(
    name="routes",
    entities=[origin, dest],
    ttl=timedelta(days=1),
    schema=[Field(name="delay", dtype=Float64)],
    source=file_source("routes_files"),
)
rates = FeatureView(
    name="rates",
    entities=[],
    ttl=timedelta(days=1),
    schema=[Field(name="eur", dtype=Float64)],
    source=file_source("rates_files"),
)
model = FeatureService(name="model", features=[activity[["spend"]], routes])

store = FeatureStore(repo_path=str(folder))
store.apply([user, origin, dest, activity, routes, rates, model])

now = datetime.now(timezone.utc).replace(microsecond=0)
big = 2**53 + 1
rows = pd.DataFrame(
    {
        "user_id": [1, big],
        "sessions": [3, big],
        "spend": [1.5, None],
        "model": ["opus", None],
        "active": [True, False],
        "since": [now, now],
        # An empty list can be written, and not be read: the SDK cannot infer its type.
        "tags": [["a", "b"], ["c"]],
        "budget": [20.0, 0.0],
        "weights": [[0.5, 2.0, 0.0], [3.0]],
        "emb": [[0.5, 0.25, 0.0], [1.0, -3.0, 0.0]],
        "times": [[now, datetime.fromtimestamp(1, timezone.utc)], [datetime.fromtimestamp(1_700_000_000, timezone.utc)]],
        "event_timestamp": [now, now],
    }
)
# Twice, as a client does that has lost an answer.
for _ in range(2):
    store.write_to_online_store("activity", df=rows)
store.push("activity_push", rows.assign(user_id=[2, 3]), to=PushMode.ONLINE)
store.write_to_online_store(
    "routes",
    df=pd.DataFrame(
        {
            "origin": ["JFK", "JF"],
            "dest": ["LAX", "KLAX"],
            "delay": [12.5, 7.0],
            "event_timestamp": [now, now],
        }
    ),
)
store.write_to_online_store(
    "rates", df=pd.DataFrame({"eur": [1.25], "event_timestamp": [now]})
)

features = [f"activity:{field.name}" for field in activity.schema if field.name != "user_id"]
found = {
    "single": store.get_online_features(features, [{"user_id": 1}, {"user_id": big}, {"user_id": 9}]).to_dict(),
    "pushed": store.get_online_features(["activity:sessions"], [{"user_id": 3}]).to_dict(),
    "composite": store.get_online_features(
        ["routes:delay"],
        [{"origin": "JFK", "dest": "LAX"}, {"origin": "JF", "dest": "KLAX"}, {"origin": "LAX", "dest": "JFK"}],
    ).to_dict(),
    "service": store.get_online_features(
        store.get_feature_service("model"), [{"user_id": 1, "origin": "JFK", "dest": "LAX"}]
    ).to_dict(),
    "full_names": store.get_online_features(
        ["activity:spend"], [{"user_id": 1}], full_feature_names=True
    ).to_dict(),
    "without_keys": store.get_online_features(
        ["rates:eur", "activity:sessions"], [{"user_id": 1}, {"user_id": 9}]
    ).to_dict(),
    "alone": store.get_online_features(["rates:eur"], [{}]).to_dict(),
    "since": int(now.timestamp()),
}

# The SDK's lower-level read sends the first join key alone.
key = EntityKey(join_keys=["origin", "dest"], entity_values=[Value(string_val="JFK"), Value(string_val="LAX")])
try:
    store._get_provider().online_read(store.config, routes, [key], ["delay"])
    found["first_key_alone"] = None
except RuntimeError as error:
    found["first_key_alone"] = str(error)
single = EntityKey(join_keys=["user_id"], entity_values=[Value(int64_val=1)])
asked = ["spend", "budget", "weights", "emb"]
[(_, values)] = store._get_provider().online_read(store.config, activity, [single], asked)
found["online_read"] = {}
for name in asked:
    kind = values[name].WhichOneof("val")
    value = getattr(values[name], kind)
    found["online_read"][name] = [kind, list(value.val) if kind.endswith("_list_val") else value]
dummy = EntityKey(join_keys=["__dummy_id"], entity_values=[Value(string_val="")])
[(_, values)] = store._get_provider().online_read(store.config, rates, [dummy], ["eur"])
found["online_read_without_keys"] = values["eur"].double_val

far = pd.DataFrame({"origin": ["JFK"], "dest": ["SFO"], "delay": [1.0], "event_timestamp": [now + timedelta(days=9)]})
try:
    store.write_to_online_store("routes", df=far)
    found["far_future"] = None
except RuntimeError as error:
    found["far_future"] = str(error)

print(json.dumps(found, default=str))
