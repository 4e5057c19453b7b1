import { expect, test } from 'vitest';
import { s3SecretSql } from './s3-secret.ts';

const sql = (env: Readonly<Record<string, string>>) => s3SecretSql((name) => env[name]);

test('credentials, region and endpoint are those of the environment', () => {
  expect(
    sql({
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: "it's",
      AWS_SESSION_TOKEN: 'token',
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL: 'https://elsewhere',
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000/',
    }),
  ).toBe(
    "CREATE SECRET IF NOT EXISTS tidemark_s3 (TYPE s3, PROVIDER config, KEY_ID 'id', SECRET 'it''s', SESSION_TOKEN 'token', " +
      "REGION 'eu-central-1', ENDPOINT '127.0.0.1:9000', URL_STYLE 'path', USE_SSL false)",
  );
});

test('without credentials requests are not signed, and an endpoint without a scheme is reached by TLS', () => {
  expect(sql({ AWS_ENDPOINT_URL: 'minio.example.com', AWS_ACCESS_KEY_ID: '' })).toBe(
    "CREATE SECRET IF NOT EXISTS tidemark_s3 (TYPE s3, PROVIDER config, REGION 'us-east-1', " +
      "ENDPOINT 'minio.example.com', URL_STYLE 'path', USE_SSL true)",
  );
});
