"""Run by s3-server.ts: a bucket with the given files, and a user who alone may read them."""
import json
import sys

import boto3

endpoint, bucket, *files = sys.argv[1:]
options = dict(endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="setup", aws_secret_access_key="setup")
s3 = boto3.client("s3", **options)
s3.create_bucket(Bucket=bucket)
for name in files:
    s3.upload_file(name, bucket, name)
iam = boto3.client("iam", **options)
iam.create_user(UserName="reader")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="reader")["AccessKey"]
print(json.dumps({"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}))
