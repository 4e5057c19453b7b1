import { stringLiteral } from '../sql-text.ts';

/**
 * The statement that gives DuckDB the credentials of the environment, in memory only. Without AWS_ACCESS_KEY_ID
 * requests are not signed: public buckets can be read.
 */
export function s3SecretSql(variable: (name: string) => string | undefined): string {
  const given = (...names: readonly string[]) =>
    names.map((name) => variable(name)).find((value) => value !== undefined && value !== '');
  const options: string[] = ['TYPE s3', 'PROVIDER config'];
  const add = (option: string, value: string | undefined) => {
    if (value !== undefined) options.push(`${option} ${stringLiteral(value)}`);
  };
  add('KEY_ID', given('AWS_ACCESS_KEY_ID'));
  add('SECRET', given('AWS_SECRET_ACCESS_KEY'));
  add('SESSION_TOKEN', given('AWS_SESSION_TOKEN'));
  add('REGION', given('AWS_REGION', 'AWS_DEFAULT_REGION') ?? 'us-east-1');
  const endpoint = given('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL');
  if (endpoint !== undefined) {
    add('ENDPOINT', endpoint.replace(/^[a-z]+:\/\//i, '').replace(/\/+$/, ''));
    // Servers of one's own seldom have a host name for each bucket.
    add('URL_STYLE', 'path');
    options.push(`USE_SSL ${!/^http:/i.test(endpoint)}`);
  }
  return `CREATE SECRET IF NOT EXISTS tidemark_s3 (${options.join(', ')})`;
}
